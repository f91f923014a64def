"""Resources whose settings belong to the process and never to a run.

Belongs here: how Dagster gets such a resource. Does not belong here: the resources themselves
(`dagster_resources.py`) and the settings (`orf_books/settings.py`).

Dagster makes every field of a `ConfigurableResource` part of the run configuration, and whoever
launches a run can replace it: the key of a service would go to any address that a launch names.
"""

from typing import Any

import dagster as dg


class ProcessResource(dg.ConfigurableResource[None]):
    """A resource that is built from the settings of the process; a run cannot configure it.

    Its fields are not shown in the page either, so they may hold secrets.
    """

    def get_resource_definition(self) -> dg.ResourceDefinition:  # type: ignore[override]
        """This object as it is, with no configuration: a launch that sets a field is refused."""
        return dg.ResourceDefinition(
            lambda _: self, config_schema=_NOTHING, description=type(self).__doc__
        )


_NOTHING: dict[str, Any] = {}
