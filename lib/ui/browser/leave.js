// The page of somebody who is signed out: loaded anew, the gate shows where to sign in. Only when the gate says that it
// will, so that a page that stays signed out for another reason is not loaded for ever.

export default function () {
  fetch(new URL("_stcore/health", document.baseURI)).then((answer) => {
    if (answer.status === 401) location.reload();
  }, () => {});
}
