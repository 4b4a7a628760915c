"""The archive remembers: every journey that ended, kept or turned down, with its reason.

- `store.Archive`: records, the journal of journeys under way, and embeddings, in one SQLite file
- `novelty`: k-nearest-neighbour novelty
- `neighbourhood.Neighbourhood`: the records nearest to a text; `vectors`: the exact index behind it
- `selection`: which kept tasks become stepping stones
- `embedding.Embedder`: texts to vectors, each computed once
- `generalists`: policies trained on many tasks, and how their samplers compare

Reading needs no PyBullet, no torch and no key.
"""
