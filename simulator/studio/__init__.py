"""Studio: the page where an author writes a case: an editor with our checker, the candidate's page, forms, tests and versions.

It stands above authoring and the features: it may import them, and no other part imports it.
"""
