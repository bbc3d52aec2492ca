# make run: the shipped corpus against the installed frameworks, in a fresh environment that it sets up itself
PYTHON ?= python3
EXTRAS ?= all,test
RUN ?= runs/$(shell date +%Y%m%d-%H%M%S)
RUN := $(RUN)

PY := .venv/bin/python
CONVSUITE := .venv/bin/convsuite
ASV := .venv/bin/asv
STAMP := .venv/.installed

# The editable install holds this folder's path: where it has moved, it is made anew.
INSTALLED := $(EXTRAS) in $(CURDIR)
ifneq ($(shell cat $(STAMP) 2>/dev/null),$(INSTALLED))
.PHONY: $(STAMP)
endif

.PHONY: run test test-core test-slow test-pages bench dashboard report lint setup clean

# ARGS reaches `convsuite run`: make run ARGS='--engine torch --tag smoke'. The report is written whatever the run found;
# make itself turns every status but 0 into 2.
run: setup
	@status=0; $(CONVSUITE) run --out $(RUN) $(ARGS) || status=$$?; \
	if [ -e $(RUN)/run.json ]; then $(CONVSUITE) report $(RUN) --markdown $(RUN)/report.md || exit; fi; \
	exit $$status

# A file's tests stay together: what they share is then made once.  A worker that dies, or hangs in a test for so many
# seconds, ends the run with the name of the test; given another worker, pytest-xdist 3.8 would wait forever.
PARALLEL := -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder --max-worker-restart 0 \
	-o faulthandler_timeout=600 -o faulthandler_exit_on_timeout=true

test: lint
	@$(PY) -m pytest $(PARALLEL) $(ARGS)

test-core: setup
	@$(PY) -m pytest $(PARALLEL) -m 'not slow and not frameworks' $(ARGS)

test-slow: setup
	@$(PY) -m pytest -m slow $(ARGS)

# Every command of the README, and the pages in a browser as people use them: slow tests that no submission goes without.
test-pages: setup
	@$(PY) -m pytest $(PARALLEL) -m slow tests/docs tests/html tests/dashboard $(ARGS)

# The commit at hand, measured into asv's history; then the dashboard.  BENCH chooses by the modules of benchmarks/tracked,
# as BENCH=. for all of them.
BENCH ?= ^(yardstick|crossover|vgg16|imports|suite)[.]

bench: setup
	@git diff --quiet HEAD -- || echo 'note: what is measured has changes since the commit that it is kept under' >&2
	@$(ASV) machine --yes > /dev/null
	@$(ASV) run --set-commit-hash $$(git rev-parse HEAD) --bench '$(BENCH)' $(ARGS)
	@$(MAKE) --no-print-directory dashboard

# asv's own pages, which load scripts from the network, in .asv/html; and one page that loads nothing.
dashboard: setup
	@$(ASV) publish
	@$(PY) -m convsuite.benchmarks.dashboard --results .asv/results --out .asv/dashboard.html $(wildcard .asv/bench/*.json)

# The published page: the whole corpus on the pinned versions, as docs/report/index.html, and its picture for the README.
# ARGS narrows the run down; REPORT_RUN is where it is kept, or one that is there already.
REPORT_RUN ?= runs/published

report: setup
	@[ -e $(REPORT_RUN)/run.json ] || $(CONVSUITE) run --out $(REPORT_RUN) --fail-on never $(ARGS)
	@$(CONVSUITE) report $(REPORT_RUN) --html docs/report
	@$(PY) -m convsuite.reports.html.picture docs/report/index.html docs/report.png

lint: setup
	@$(PY) -m ruff check --quiet
	@$(PY) -m ruff format --quiet --check
	@$(PY) -m pyright

setup: $(STAMP)

# The stamp is written last: what an interruption leaves is taken up again.
$(STAMP): pyproject.toml constraints.txt
	@rm -f $@
	@echo 'Setting up .venv with convsuite[$(EXTRAS)] ...' >&2
	@$(PYTHON) -m venv .venv
	@$(PY) -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[$(EXTRAS)]'
	@echo '$(INSTALLED)' > $@

clean:
	rm -rf .venv build dist *.egg-info .asv .hypothesis .pytest_cache .ruff_cache
	find . -name __pycache__ -prune -exec rm -rf {} +
