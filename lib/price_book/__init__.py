"""The price book beyond storing it: reading price lists, guarding their unit, rules, previews and the feed of changes.

Values in, values out. A price is pico-units of its currency per token; a number of unknown unit is not a price yet.
"""
