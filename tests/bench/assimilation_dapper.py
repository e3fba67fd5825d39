"""DAPPER's side of assimilation_twin.py, run by the Python that has DAPPER: truth and observations in, scores out.

python assimilation_dapper.py twin.npz '{"da_method": "EnKF", "upd_a": "Sqrt", "N": 24, …}'
"""

from __future__ import annotations

import json
import sys
import time

import dapper
import numpy as np
from dapper import da_methods
from dapper.mods.Lorenz96.sakov2008 import HMM
from dapper.tools import progressbar


def main() -> None:
    """Assimilates, and prints RMSE, the seconds that DAPPER counts itself, and those of processors."""
    path, options = sys.argv[1], json.loads(sys.argv[2])
    progressbar.disable_progbar = True
    dapper.set_seed(3000)
    with np.load(path) as twin:
        truth, observed = twin["truth"], twin["observed"]
    HMM.tseq.Ko, HMM.tseq.BurnIn = len(observed) - 1, 20
    method = getattr(da_methods, options.pop("da_method"))(**options)
    start = time.process_time()
    method.assimilate(HMM, truth, observed)
    processor = time.process_time() - start
    method.stats.average_in_time()
    rmse = method.avrgs.err.rms
    print(json.dumps([float(rmse.a.val), float(rmse.f.val), method.stats.duration, processor]))


if __name__ == "__main__":
    main()
