# Everything a developer or CI does with this repository. `make demo` and `make test` do all set-up themselves.

PYTHON ?= python3
VENV := .venv
# Where `make data` puts the full files.
TELLURION_DATA ?= data
LEVITUS := $(TELLURION_DATA)/usr/share/ferret-vis/data/levitus_climatology.cdf
BIN := $(VENV)/bin
# A peer of the benchmarks, which pins what the platform does not.
DAPPER := .cache/dapper/bin/python
PEERS := .cache/splat-peers/.ready
TRITON := .cache/triton/.ready
CHECKOV := .cache/checkov/.ready
NGINX := .cache/nginx/usr/sbin/nginx
SCENES := .cache/scenes/floor/transforms.json
READY := $(VENV)/.ready
CONSOLE := services/gateway/tellurion_gateway/console_dist/index.html
CONSOLE_SOURCES := $(shell find services/gateway/console -name node_modules -prune -o -type f ! -name '*.test.ts' -print)
DISTRIBUTIONS := protos libs/core[jobs,kernels,otlp,ray] libs/geo libs/diffusion libs/splatting[metrics] libs/client[clouds] services/ocean[plot] services/assimilation[atmosphere] services/splat[scenes] services/pointcloud[plot,collections] services/benchmark[embeddings] services/agent[kubernetes] services/gateway
# What distributions are built with. In the same environment: one of its own for each would be installed a dozen times.
BUILD := hatchling editables grpcio-tools mypy-protobuf
STUBS := $(shell find protos -name '*.proto') protos/hatch_build.py
PYPROJECTS := $(wildcard protos/pyproject.toml libs/*/pyproject.toml services/*/pyproject.toml)
# Of `make images`: which, and what they are called and made of. Without BASE it is Debian's small image, from its registry.
SERVICES :=
ENGINE := podman
REGISTRY := localhost
VARIANT := cpu
BASE :=
TAG :=
# Compiled kernels are kept between runs, wherever the package is installed.
export TELLURION_DATA
export NUMBA_CACHE_DIR ?= $(CURDIR)/.cache/numba
export JAX_COMPILATION_CACHE_DIR ?= $(CURDIR)/.cache/jax
export JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS ?= 0.5

.PHONY: setup demo test chart-test cluster-run lint released bench acceptance images base data clean

setup: $(READY) $(CONSOLE)

# Several at once unpack the packages, for pip takes one after the other; then what is there is found to be all that is needed.
$(READY): constraints.txt tests/requirements.txt $(STUBS) $(PYPROJECTS)
	@$(PYTHON) -c 'import sys; sys.exit(None if (3, 11) <= sys.version_info[:2] <= (3, 12) else "Tellurion needs Python 3.11 or 3.12: make PYTHON=python3.12 …")'
	$(PYTHON) -m venv $(VENV)
	grep -Ev '^#|^nvidia-pytriton' constraints.txt \
	    | xargs -P 4 -n 30 $(BIN)/pip install --quiet --disable-pip-version-check --no-deps
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt $(BUILD)
	$(BIN)/pip install --quiet --disable-pip-version-check --no-build-isolation -c constraints.txt -r tests/requirements.txt $(addprefix -e ,$(DISTRIBUTIONS))
	@touch $@

# The page that the gateway serves, by Node.js from a wheel; it is shipped in the gateway's own.
$(CONSOLE): $(CONSOLE_SOURCES) | $(READY)
	$(BIN)/python services/gateway/console/node.py build

demo: setup ## reconstruct February from 500 profiles, by command line, SDK, gRPC and HTTPS; see out/
	$(BIN)/python tests/e2e/demo.py out

# Much of the tests' time is waiting, and few use all cores; more than four at once take gigabytes. One thread each: those
# of several processes would wait for one another.
test: export OMP_NUM_THREADS ?= 1
# Bytecode is kept, whatever the caller has set: hundreds of processes start, and each would compile all sources anew.
test: export PYTHONDONTWRITEBYTECODE =
test: setup $(TRITON)
	$(BIN)/pytest -n auto --maxprocesses 4 --dist worksteal

chart-test: setup $(CHECKOV) ## the Helm chart: rendered, checked, installed on an emulated API server
	$(BIN)/pytest -n auto --maxprocesses 4 --dist loadfile -m 'not cuda' tests/chart

cluster-run: export TELLURION_CLUSTER_RUN = 1
cluster-run: setup ## the chart's pods run by podman, or on a cluster: restricted, and killed under load (tests/cluster/README.md)
	$(BIN)/pytest -s -m 'not cuda' tests/cluster

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --num-workers 2
	$(BIN)/lint-imports
	$(BIN)/buf lint protos
	$(BIN)/buf breaking protos --against protos/released.binpb
	$(BIN)/pytest tests/chart/test_lint.py::test_lint_is_silent_when_strict
	if git rev-parse --verify --quiet origin/main >/dev/null; then $(BIN)/buf breaking protos --against '.git#ref=origin/main,subdir=protos'; fi

released: setup ## the contracts as they stand become those that may not break; for a release (CONTRIBUTING.md)
	$(BIN)/buf build protos --exclude-source-info --output protos/released.binpb

bench: setup ## speed and memory against named peers; a few minutes on a quiet machine
	$(BIN)/python tests/bench/rpc.py
	$(BIN)/python tests/bench/codec.py
	$(BIN)/python tests/bench/ocean_cost.py
	$(BIN)/python tests/bench/benchmark_scoring.py
	$(BIN)/python tests/bench/benchmark_runner.py
	$(BIN)/python tests/bench/benchmark_text.py
	$(BIN)/python tests/bench/assimilation_letkf.py
	$(BIN)/python tests/bench/splat_speed.py

acceptance: setup $(LEVITUS) $(DAPPER) $(PEERS) $(TRITON) $(NGINX) $(SCENES) $(CHECKOV) ## every figure that the project claims, into tests/bench/RESULTS.md; PARTS="…" for some
	$(BIN)/python tests/bench/acceptance.py $(PARTS)

$(LEVITUS):
	$(MAKE) data

$(DAPPER): tests/bench/requirements.txt
	$(PYTHON) -m venv .cache/dapper
	.cache/dapper/bin/pip install --quiet --disable-pip-version-check -r $<
	@touch $@

$(PEERS): tests/bench/splat-peers.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --target .cache/splat-peers -r $<
	@touch $@

# Of its own folder: it asks for an older NumPy, and only its server is used.
$(TRITON): constraints.txt | $(READY)
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --upgrade --target .cache/triton --constraint $< nvidia-pytriton
	@touch $@

# Of its own environment: it pins what the platform has in other versions.
$(CHECKOV): tests/checkov.txt
	$(PYTHON) -m venv .cache/checkov
	.cache/checkov/bin/pip install --quiet --disable-pip-version-check -r $<
	@touch $@

# Only its binary is used, unpacked without root.
$(NGINX):
	mkdir -p .cache/nginx
	cd .cache/nginx && apt-get download nginx && dpkg -x nginx_*.deb . && rm nginx_*.deb

$(SCENES):
	$(BIN)/python -m tellurion_splat.training.scenes .cache/scenes

images: ## container images and how large they are; SERVICES="ocean gateway" REGISTRY=… TAG=… VARIANT=cuda BASE=… ENGINE=…
	$(PYTHON) containers/build.py --engine $(ENGINE) --registry $(REGISTRY) --variant $(VARIANT) \
	    $(if $(TAG),--tag $(TAG)) $(if $(BASE),--base $(BASE)) $(SERVICES)

base: ## a small Debian as base image, where none can be pulled: `make base images BASE=localhost/debian:bookworm-slim`
	ENGINE=$(ENGINE) containers/base.sh $(or $(BASE),localhost/debian:bookworm-slim)

data: setup ## the full public files (World Ocean Atlas subset, Levitus, COADS, furniture, …), unpacked without root; Debian or Ubuntu
	mkdir -p $(TELLURION_DATA)/pointcloud
	cd $(TELLURION_DATA) && for package in ferret-datasets sweethome3d-furniture; do \
	    apt-get download $$package && dpkg -x $${package}_*.deb . && rm $${package}_*.deb || exit 1; done
	@echo "in $(TELLURION_DATA)/usr/share/ferret-vis/data; python -m tellurion_ocean.training.pack makes the shipped sample of it"
	$(BIN)/python -m tellurion_pointcloud.training.furniture $(TELLURION_DATA)/pointcloud/furniture
	[ -d $(TELLURION_DATA)/pointcloud/rooms ] || $(BIN)/python -m tellurion_pointcloud.training.rooms $(TELLURION_DATA)/pointcloud/rooms

clean:
	rm -rf services/gateway/console/node_modules $(dir $(CONSOLE))
	rm -rf $(VENV) out .cache .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
