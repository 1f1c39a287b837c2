# riskkit: from raw cohort files to reports. `make help` lists what can be asked for.
#
# What depends on what:  fetched data -> cohort table -> results -> report -> index
# Touching an analysis file rebuilds that analysis; touching figure code redraws without refitting.

PYTHON  ?= python3
VENV    := .venv
BIN     := $(VENV)/bin
RISKKIT := $(BIN)/riskkit
READY   := $(VENV)/.ready
TESTED  := $(VENV)/.tested

# Whatever a file is called or says, make sees names of letters, digits, - and _ only: make would run what stands in a
# $(...) or behind a ; of any other. $(call files,FOLDER,ENDING,ACTION) does ACTION for the name $$n of each file $$f;
# those of another name are told by `names`.
files     = LC_ALL=C; export LC_ALL; for f in $(1)/*.$(2); do n=$$(basename "$$f" .$(2)); case "$$n" in $(UNSAFE) ;; \
            (*) if [ -f "$$f" ] && [ "$$f" = "$(1)/$$n.$(2)" ]; then $(3); fi;; esac; done
UNSAFE    = ([!A-Za-z0-9]*|*[!A-Za-z0-9_-]*|'')
TARGETS  := all help names setup reports pdf docx test lint bench fuzz kills sbom calibrate reference lock clean distclean
COHORTS  := $(filter-out $(TARGETS),$(shell $(call files,cohorts,toml,echo "$$n")))
# The cohort of each analysis, as analysis=cohort
ALL_OF   := $(shell $(call files,analyses,toml,echo "$$n=$$(sed -n "s/^cohort *= *[\"']\([A-Za-z0-9][A-Za-z0-9_-]*\)[\"'].*/\1/p" "$$f" | head -n 1)"))
# Those of published evidence have no cohort, and those of reference ranges can have several.
of_kind   = $(shell $(call files,analyses,toml,grep -q "^kind *= *[\"']$(1)[\"']" "$$f" && echo "$$n"))
EVIDENCE := $(call of_kind,evidence)
RANGES   := $(call of_kind,ranges)
OF       := $(foreach pair,$(ALL_OF),$(if $(filter $(EVIDENCE) $(RANGES),$(firstword $(subst =, ,$(pair)))),,$(pair)))
ANALYSES := $(foreach pair,$(OF),$(firstword $(subst =, ,$(pair))))
cohort_of = $(patsubst $(1)=%,%,$(filter $(1)=%,$(OF)))

# Targets depend on what files say, not on when they were written: a stamp of each is renewed when its content is another
# (a backup that is restored is older, and new). What claims to be made in the future, by a clock that was ahead, is made
# again.
STAMPS  := build/stamps
stamp    = d=$(STAMPS)/$$(dirname "$$f"); mkdir -p "$$d"; s="$$d/$$(basename "$$f")"; c=$$(cksum < "$$f"); \
           [ "$$c" = "$$(cat "$$s" 2> /dev/null)" ] || echo "$$c" > "$$s"
IGNORED := $(shell $(call files,cohorts,toml,$(stamp)); $(call files,cohorts/codelists,csv,$(stamp)); \
             $(call files,cohorts/rates,csv,$(stamp)); \
             $(call files,analyses,toml,$(stamp)); $(call files,analyses/evidence,csv,$(stamp)); touch $(STAMPS)/now 2> /dev/null && \
             find build/cohorts build/results reports -type f -newer $(STAMPS)/now -exec touch -t 197001020000 {} + 2> /dev/null)

# What code a target depends on is told by the command that made it: the modules that it imported.
-include $(wildcard build/depends/*.d)
CODELISTS := $(shell $(call files,cohorts/codelists,csv,echo "$(STAMPS)/$$f"); \
             $(call files,cohorts/rates,csv,echo "$(STAMPS)/$$f"))

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SUFFIXES:
.PHONY: $(TARGETS) $(COHORTS)
.SECONDARY:

all: names $(READY)  ## everything that can be built: data, cohorts, analyses, reports (the default)
	@$(RISKKIT) fetch --all
	@$(MAKE) --no-print-directory reports

# The second make sees which data the first has brought: READY_COHORTS is read when it starts.
READY_COHORTS  := $(foreach c,$(COHORTS),$(if $(wildcard build/raw/$(c)/.complete),$(c)))
READY_ANALYSES := $(foreach a,$(ANALYSES),$(if $(filter $(call cohort_of,$(a)),$(READY_COHORTS)),$(a)))

cohorts_of    = $(shell sed -n "s/^cohort *= *[\"']\([A-Za-z0-9][A-Za-z0-9_-]*\)[\"'].*/\1/p" 'analyses/$(1).toml')
READY_RANGES := $(foreach r,$(RANGES),$(if $(filter-out $(READY_COHORTS),$(call cohorts_of,$(r))),,$(r)))

ifdef ONLY
READY_RANGES := $(foreach r,$(READY_RANGES),$(if $(filter $(ONLY),$(call cohorts_of,$(r))),$(r)))
READY_ANALYSES := $(foreach a,$(READY_ANALYSES),$(if $(filter $(ONLY),$(call cohort_of,$(a))),$(a)))
endif

# Published evidence needs no data, but tells what the analyses that it names found: so it comes last.
READY_EVIDENCE := $(if $(ONLY),,$(EVIDENCE))
TABLED         := $(shell $(call files,analyses/evidence,csv,echo "$(STAMPS)/$$f"))
named_by        = $(shell sed -n "s/.*analysis *= *[\"']\([A-Za-z0-9][A-Za-z0-9_-]*\)[\"'].*/\1/p" 'analyses/$(1).toml')

READY_REPORTS  := $(READY_ANALYSES) $(READY_RANGES) $(READY_EVIDENCE)

reports: $(READY_REPORTS:%=reports/%/index.html) | names $(READY)  ## every report whose data are at hand
	@$(RISKKIT) index
	@echo "Open reports/index.html in a browser."

# Without data there is nothing to print, and make would call that done.
ifeq ($(strip $(READY_ANALYSES) $(READY_RANGES)),)
pdf docx:
	@echo "There are no data yet, so no report: run make first, then make $@."; exit 1
endif

pdf: $(foreach a,$(READY_REPORTS),reports/$(a)/$(a).pdf)  ## each report as a PDF (needs Pango, which draws its text)

docx: $(foreach a,$(READY_REPORTS),reports/$(a)/$(a).docx)  ## each report as a Word document

$(COHORTS): %: $(READY)  ## one cohort and the reports on it, as in: make nhanes3
	@$(RISKKIT) fetch '$@'
	@$(MAKE) --no-print-directory reports ONLY='$@'

build/cohorts/%.parquet: $(STAMPS)/cohorts/%.toml build/raw/%/.complete $(CODELISTS) | $(READY)
	@$(RISKKIT) cohort 'cohorts/$*.toml'

define analysis_rules
build/results/$(1)/results.json: $$(STAMPS)/analyses/$(1).toml $(2:%=build/cohorts/%.parquet) | $$(READY)
	@$$(RISKKIT) run 'analyses/$(1).toml'

reports/$(1)/index.html: build/results/$(1)/results.json | $$(READY)
	@$$(RISKKIT) report '$(1)'

reports/$(1)/$(1).pdf: reports/$(1)/index.html
	@$$(RISKKIT) pdf '$(1)'

reports/$(1)/$(1).docx: reports/$(1)/index.html
	@$$(RISKKIT) docx '$(1)'
endef
$(foreach a,$(ANALYSES),$(eval $(call analysis_rules,$(a),$(call cohort_of,$(a)))))
$(foreach r,$(RANGES),$(eval $(call analysis_rules,$(r),$(call cohorts_of,$(r)))))

define evidence_rules
reports/$(1)/index.html: $$(STAMPS)/analyses/$(1).toml $$(TABLED) \
    $(patsubst %,build/results/%/results.json,$(filter $(call named_by,$(1)),$(READY_ANALYSES))) | $$(READY)
	@$$(RISKKIT) report '$(1)'

reports/$(1)/$(1).pdf: reports/$(1)/index.html
	@$$(RISKKIT) pdf '$(1)'

reports/$(1)/$(1).docx: reports/$(1)/index.html
	@$$(RISKKIT) docx '$(1)'
endef
$(foreach e,$(EVIDENCE),$(eval $(call evidence_rules,$(e))))

# Every file of another name is told, without what a terminal would take for a command.
names:
	@LC_ALL=C; export LC_ALL; bad=0; for f in analyses/*.toml analyses/evidence/*.csv cohorts/*.toml cohorts/codelists/*.csv \
	  cohorts/rates/*.csv; do \
	  if [ ! -e "$$f" ] && [ ! -L "$$f" ]; then continue; fi; n=$$(basename "$$f"); n=$${n%.*}; why=; \
	  case "$$n" in $(UNSAFE) why="a name has letters, digits, - and _ only";; esac; \
	  case "$$f $(TARGETS) " in (cohorts/"$$n".toml*" $$n "*) why="'make $$n' is taken";; esac; \
	  if [ -n "$$why" ]; then printf '%s: %s. Rename the file.\n' "$$f" "$$why" | tr -c '[:print:]\n' '?'; bad=1; fi; \
	done; exit $$bad

setup: $(READY)  ## create the environment in .venv, nothing else

PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

$(READY): pyproject.toml requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "riskkit needs Python 3.11 or later; set another with: make PYTHON=python3.12"; exit 1; }
	@echo "Installing into $(VENV) (once; two to five minutes, by the network) ..."
	@$(PYTHON) -m venv $(VENV) || { echo "Python's venv module is missing; on Debian: apt install python3-venv"; exit 1; }
	@$(PIP) --require-hashes -r requirements.lock
	@$(PIP) --no-deps --editable .
	@touch $@

# What tests, style and benchmarks need, on top of what running needs.
$(TESTED): requirements-test.lock $(READY)
	@echo "Installing what tests need (once; a minute or two) ..."
	@$(PIP) --require-hashes -r requirements-test.lock
	@touch $@

test: $(TESTED)  ## run the tests
	@$(BIN)/python -m pytest

lint: $(TESTED)  ## style, types, and that imports only go down
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/lint-imports

reference: $(TESTED)  ## run every R script of tests/reference again, and note the versions it ran with (needs R)
	@$(BIN)/python tests/reference/rerun.py

lock:  ## renew both files of locked requirements (needs uv)
	@for each in "requirements --extra pdf" "requirements-test --extra dev --extra pdf --extra cluster"; do \
	  set -- $$each; lock="$$1.lock"; shift; first=$$(head -n 1 $$lock); \
	  uv pip compile pyproject.toml "$$@" --generate-hashes --universal --python-version 3.11 --no-emit-index-url \
	    --no-annotate --no-header --quiet --output-file $$lock && printf '%s\n' "$$first" | cat - $$lock > $$lock.new && \
	    mv $$lock.new $$lock || exit 1; done

bench: $(TESTED)  ## speed beside other software, as ratios (R included when Rscript is there)
	@$(BIN)/python -m benchmarks

fuzz: $(TESTED)  ## odd formulas, files and labels, as in: make fuzz CASES=2000 SEED=1
	@$(BIN)/python -m benchmarks.fuzz --cases '$(or $(CASES),2000)' --seed '$(or $(SEED),1)'

kills: $(TESTED)  ## make killed at random moments, and two at once, as in: make kills KILLS=200 PAIRS=20 (an hour)
	@$(BIN)/python -m benchmarks.kills --kills '$(or $(KILLS),200)' --pairs '$(or $(PAIRS),20)'

sbom: $(READY)  ## what is installed with riskkit, as sbom.json (CycloneDX)
	@$(BIN)/python -m benchmarks.sbom > sbom.json && echo "sbom.json written"

calibrate: $(TESTED)  ## coverage and error rates by simulation, written to docs/calibration.md
	@$(BIN)/python -m benchmarks.calibrate && $(BIN)/python -m benchmarks.verdicts

clean:  ## remove what was built; fetched data and the environment stay
	@rm -rf build/cohorts build/results build/depends build/stamps && find reports -mindepth 1 ! -name README.md -delete

distclean: clean  ## remove fetched data and the environment too
	@rm -rf build $(VENV)

help:  ## this list
	@grep -hE '^[a-z$$()A-Z]+:.*##' $(MAKEFILE_LIST) | sed 's/\$$(COHORTS): %/COHORT/' | \
	  awk -F ':.*## *' '{printf "  make %-10s %s\n", $$1, $$2}'
	@echo "Cohorts: $(COHORTS).  Analyses: $(ANALYSES) $(RANGES) $(EVIDENCE)."
