"""The data library: what the files in folders hold, found by variable, model, experiment and period.

`library.Catalogue` finds data sets, `resolving.resolve` picks those for a recipe, `canonical.canonical` opens one.
"""
