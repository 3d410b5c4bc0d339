"""Artifacts: where work is done until it is whole (`WorkFolder`), and where it is kept."""

from evalkit.store.artifacts.files import atomic_file as atomic_file
from evalkit.store.artifacts.files import copy_file_atomic as copy_file_atomic
from evalkit.store.artifacts.files import inside as inside
from evalkit.store.artifacts.files import list_files as list_files
from evalkit.store.artifacts.files import local_folder as local_folder
from evalkit.store.artifacts.files import make_folder as make_folder
from evalkit.store.artifacts.files import write_bytes_atomic as write_bytes_atomic
from evalkit.store.artifacts.local import open_repository as open_repository
from evalkit.store.artifacts.repository import ArtifactRepository as ArtifactRepository
from evalkit.store.artifacts.root import ArtifactRoot as ArtifactRoot
from evalkit.store.artifacts.root import make_if_local as make_if_local
from evalkit.store.artifacts.work import WorkFolder as WorkFolder
