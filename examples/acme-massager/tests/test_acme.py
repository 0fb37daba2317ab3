"""Every check of the house, in simulated time."""

import pytest
from acme_massager import ACME
from acme_peer import AcmePeer

from massager_ctl.testing.drivers import check_driver


@pytest.mark.parametrize("finding", check_driver(ACME, AcmePeer), ids=lambda one: one.name)
def test_conformance(finding):
    assert not finding.problem, finding.what
