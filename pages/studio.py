"""Studio: write a case, with its faults, the candidate's page and its tests beside the text."""

from simulator.authoring.studio.studio_page import studio_page

studio_page()
