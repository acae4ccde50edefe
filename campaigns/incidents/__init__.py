"""Studies over many incidents of a case: signs, investigators, fixes and monitors; assets/incidents/ holds the results."""
