"""The foundation model: asking it, what that costs, and what is remembered of it.

- `client.FoundationModel`: asks a server that speaks the OpenAI chat protocol
- `meter.Meter`: what the calls of one journey have cost
"""
