"""Making a dataset: every sample a job of its own, done once, by any worker anywhere, resumed at any time."""

from fieldcast.datasets.engine.dask_cluster import DaskCluster as DaskCluster
from fieldcast.datasets.engine.dask_cluster import SlurmCluster as SlurmCluster
from fieldcast.datasets.engine.executor import Executor as Executor
from fieldcast.datasets.engine.executor import InProcess as InProcess
from fieldcast.datasets.engine.failures import Failure as Failure
from fieldcast.datasets.engine.failures import read_failures as read_failures
from fieldcast.datasets.engine.local_processes import LocalProcesses as LocalProcesses
from fieldcast.datasets.engine.plan import Plan as Plan
from fieldcast.datasets.engine.plan import Share as Share
from fieldcast.datasets.engine.plan import sample_path as sample_path
from fieldcast.datasets.engine.plan import settings_hash as settings_hash
from fieldcast.datasets.engine.plan_file import load_plan as load_plan
from fieldcast.datasets.engine.run import GenerationReport as GenerationReport
from fieldcast.datasets.engine.run import carry_out as carry_out
from fieldcast.datasets.engine.slurm import SlurmRequest as SlurmRequest
from fieldcast.datasets.engine.slurm import array_script as array_script
