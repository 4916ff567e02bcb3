"""A closed month as a document: what was spent, at which prices, sealed with a hash; corrections come later."""
