"""After a loss of power the files that the workers map may have any length: they are made anew, and never looked at."""
import os

import pytest

from up import Up


@pytest.mark.parametrize("size", [0, 4096, 100000])
def test_mapped_files_that_a_power_cut_left_too_short_do_no_harm(size):
    with Up(workers=2) as up:
        job = up.post({"operation": "create", "tableName": "name", "payload": {"Item": {"id": "1"}}})
        up.wait_job(job)
        up.kill_all()
        regions = list((up.data / "store").glob("__db.0*"))
        assert regions
        for region in regions:
            os.truncate(region, size)
        up.start()
        assert up.item("name", id="1") == {"id": "1"}
