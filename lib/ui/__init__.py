"""The screen: what pages are made of. Streamlit lives here, in `pages/` and in `app.py`, and nowhere else."""
