"""The archive in a web browser: see, search and judge it, also while a run goes on.

- `app.create_app`: the whole application, put together from page modules
- `serving.serve`: what `taskwright browse` runs
- `security`: what is asked of every request, and said in every answer
- `site.Site`: what the pages share: the run folder, the index, what is allowed
- `index.Index`: rows to list, filter, sort and search, in memory and kept up to date
- `pages`: templates; model-written text is escaped, and what it hides is made visible

A page module has `routes(site)`, and `LINK` where it is in the menu. Templates hold no inline
script and no inline style: the Content-Security-Policy forbids both. The archive is only read, and
no PyBullet and no torch is imported to look at it.
"""
