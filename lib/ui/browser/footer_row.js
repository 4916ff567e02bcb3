// One row: hands itself over to the page's script (`footer.js`), which may come later.
export default (row) => {
  if (window.parlourRow) window.parlourRow(row);
  else (window.parlourRows ??= []).push(row);
};
