"""One rank of torch.distributed's all_reduce over gloo: python3 gloo_allreduce.py RANK WORLD PORT MEGABYTES. Prints JSON."""
import json
import os
import resource
import sys
import time

import torch
import torch.distributed as dist

rank, world, port, megabytes = (int(text) for text in sys.argv[1:5])
torch.set_num_threads(1)
os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
dist.init_process_group("gloo", init_method=f"tcp://127.0.0.1:{port}", rank=rank, world_size=world)
tensor = torch.full((megabytes * 250_000,), float(rank + 1))
dist.all_reduce(torch.ones(1000))  # connections are open before anything is timed
dist.barrier()
used = time.process_time()
began = time.perf_counter()
dist.all_reduce(tensor)
tensor /= world
seconds = time.perf_counter() - began
cpu = time.process_time() - used
assert abs(float(tensor[0]) - (world + 1) / 2) < 1e-6
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({"seconds": seconds, "cpuSeconds": cpu, "peakMib": peak}))
dist.barrier()
