"""Places of a fault that an answer can name: everywhere, outdoors, a site, a client version, or a replica."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.incident.section import Incident

if TYPE_CHECKING:
    from simulator.incident.play import Play

EVERYWHERE, OUTDOORS = "everywhere", "outdoors"
#: The most replicas that can be named.
_REPLICAS = 8


def places(spec: Incident) -> dict[str, str]:
    """Return every place by its name, with its words on screen."""
    replicas = {f"replica_{place + 1}": f"Replica {place + 1}" for place in range(_REPLICAS)}
    sites = {name: site.label for name, site in spec.sites.items()}
    return {EVERYWHERE: "Everywhere", OUTDOORS: "All outdoor sites", **sites, **spec.versions, **replicas}


def true_places(play: Play) -> set[str]:
    """Return the places that are right for the causes of a play; empty where nothing has a place."""
    spec, names, right = play.spec, list(play.spec.sites), set[str]()
    outdoors = {place for place, site in enumerate(spec.sites.values()) if site.outdoors}
    for effect, of_cause in play.secret.effects(spec):
        if not of_cause or effect.enters_at == "labels":
            continue
        where = effect.where
        sites = play.secret.sites(spec, where)
        if where.replicas is not None:
            right |= {f"replica_{place + 1}" for place in play.stream().replicas_of(where)}
        elif where.version is not None:
            right.add(where.version)
        elif len(sites) == 1:
            right.add(names[sites[0]])
        else:
            right.add(OUTDOORS if set(sites) == outdoors else EVERYWHERE)
    return right
