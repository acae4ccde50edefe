"""Studio: the page where an author writes a case: an editor with our checker, the candidate's page, forms, tests, versions."""
