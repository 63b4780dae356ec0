"""The kernels of the explorers' page, each of which ends soon after the page that it belongs to."""

from __future__ import annotations

from collections import Counter
from typing import Any

from jupyter_core.utils import ensure_async
from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager
from traitlets import Integer

CHECK_SECONDS = 5
"""Time between two checks of all kernels."""
MAX_LONELY_CHECKS = 5
"""Number of checks in a row, 25 seconds, after which a kernel without a page ends."""


class PageKernels(AsyncMappingKernelManager):
    """Kernels that end when no page has been connected to them for `MAX_LONELY_CHECKS` checks in a row.

    A page that is closed in an orderly way ends its kernel itself. This is for all others: a crashed browser, a page
    that was closed while it was loading. Jupyter's own culling would not do. It goes by the time since the kernel's
    last message, so it spares a run that goes on for nobody, and would end the idle kernel of a page at which a teacher
    talks. Checks are counted, and not seconds, because a computer that sleeps makes none: the page of a laptop that is
    opened again has the usual time to connect.
    """

    # The parent class starts its periodic check only if there is a timeout.
    cull_interval = Integer(CHECK_SECONDS)
    cull_idle_timeout = Integer(CHECK_SECONDS)

    def __init__(self, **options: Any):
        super().__init__(**options)
        self._lonely: Counter[str] = Counter()
        self._visited: set[str] = set()

    def notify_connect(self, kernel_id: str) -> None:
        """Note that a page has connected to a kernel.

        Parameters
        ----------
        kernel_id : str
            The kernel.
        """
        super().notify_connect(kernel_id)
        self._visited.add(kernel_id)
        del self._lonely[kernel_id]

    async def cull_kernel_if_idle(self, kernel_id: str) -> None:
        """End a kernel that has had no page for too long, whatever it is computing.

        Parameters
        ----------
        kernel_id : str
            The kernel.
        """
        kernel = self._kernels.get(kernel_id)
        # Before its first visit a kernel computes what the page will show; a slow computer may take long for that.
        preparing = kernel_id not in self._visited and getattr(kernel, "execution_state", "") in ("starting", "busy")
        if kernel is None or preparing or self._kernel_connections.get(kernel_id, 0) > 0:
            del self._lonely[kernel_id]
            return
        self._lonely[kernel_id] += 1
        if self._lonely[kernel_id] >= MAX_LONELY_CHECKS:
            await ensure_async(self.shutdown_kernel(kernel_id, now=True))
            self._visited.discard(kernel_id)
            del self._lonely[kernel_id]
