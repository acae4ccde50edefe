"""The workbench: choices at the side, verdicts that stay in view, and why they are as they are."""
