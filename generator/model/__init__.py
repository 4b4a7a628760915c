"""The foundation model: asking it, what that costs, and what is remembered of it.

- `client.FoundationModel`: asks a model, within its caps, and remembers the answers
- `providers`: how its server is spoken to, such as by the OpenAI chat protocol
- `meter.Meter`: what the calls of one journey have cost
"""
