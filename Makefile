# The front door. `make` builds, `make check` tests, `make demo` shows; `make help` lists the rest.
BUILD ?= build
JOBS ?= $(shell nproc)
PG_CONFIG ?= /usr/lib/postgresql/15/bin/pg_config
PREFIX ?= /usr/local
# A folder's files together: half the time of a build from nothing, more of it after a change. OFF for who works on them.
UNITY ?= ON

.DEFAULT_GOAL := all
.PHONY: all help dependencies test-dependencies programs tests extension check check-long demo demo-up demo-down bench \
  packages images site dist install uninstall format lint clean

all: programs extension ## build the product

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

dependencies: ## install the Debian packages that building and running lack
	@scripts/install-dependencies run build

test-dependencies: ## install those of the tests, too
	@scripts/install-dependencies run build test

$(BUILD)/build.ninja: CMakeLists.txt
	@cmake -S . -B $(BUILD) -G Ninja -DNAE_UNITY=$(UNITY) > $(BUILD).log 2>&1 || { cat $(BUILD).log; exit 1; }
	@rm -f $(BUILD).log

programs: $(BUILD)/build.ninja ## build key server, agent, gateway, command line tool and PKCS#11 module
	@cmake --build $(BUILD) --parallel $(JOBS) --target nae-keyserver nae-agent nae-gateway nae nae-pkcs11

tests: $(BUILD)/build.ninja ## build everything that CMake builds, tests and benchmarks too
	@grep -qE '^BUILD_TESTING:BOOL=(1|ON|TRUE)$$' $(BUILD)/CMakeCache.txt || cmake -DBUILD_TESTING=ON $(BUILD) >/dev/null
	@cmake --build $(BUILD) --parallel $(JOBS)

extension: ## build the PostgreSQL extension
	@$(MAKE) -s -C pg_nae -j$(JOBS) PG_CONFIG=$(PG_CONFIG)

check: test-dependencies ## build and run every test
	@tests/run

check-long: ## the tests that take longer than a commit should wait
	@scripts/install-dependencies run build test long
	@tests/run --long

demo: dependencies ## a tour on this machine; leaves nothing behind
	@demo/demo

demo-up: dependencies ## start a stack like the demo's and keep it
	@demo/demo up

demo-down: ## stop it and remove it
	@demo/demo down

bench: test-dependencies tests extension ## measure; prints ratios within one run
	@benchmarks/run

packages: programs extension ## build Debian packages into build/packages (NAE_PG_MAJORS="15 17")
	@scripts/build-packages $(BUILD)/packages

images: packages ## build container images of those packages
	@docker/build

site: ## build the documents as a site, build/site/index.html
	@scripts/install-dependencies --package mkdocs mkdocs-material groff-base
	@scripts/make-site $(BUILD)/site

dist: ## make a tarball of the commit, build/nae-VERSION.tar.gz
	@scripts/make-dist $(BUILD)

install: all ## install programs under PREFIX and the extension into PostgreSQL
	@cmake --install $(BUILD) --prefix $(PREFIX)
	@$(MAKE) -s -C pg_nae install PG_CONFIG=$(PG_CONFIG)

uninstall: ## remove what `make install` installed; configuration, keys and data stay
	@scripts/uninstall $(BUILD)/install_manifest.txt
	@$(MAKE) -s -C pg_nae uninstall PG_CONFIG=$(PG_CONFIG)

format: ## format every C++ file
	@git ls-files '*.cpp' '*.hpp' | xargs clang-format -i

lint: ## format, includes, shell
	@tests/lint/run

clean: ## remove what was built
	@rm -rf $(BUILD)
	@$(MAKE) -s -C pg_nae clean PG_CONFIG=$(PG_CONFIG)
