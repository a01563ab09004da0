# leat: make help lists the targets. Objects go to build/obj, programs to build/, unit tests to build/unit.
CC       ?= cc
BUILD    ?= build
SAN      ?=
CSTD     := -std=c11 -D_GNU_SOURCE
WARN     := -Wall -Wextra -Wpedantic -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla
HARDEN   := -fstack-protector-strong -fPIE $(if $(SAN),,-D_FORTIFY_SOURCE=2)
OPT      := -O2 -g -fno-omit-frame-pointer
CFLAGS   += $(CSTD) $(OPT) $(WARN) $(HARDEN) $(if $(SAN),-fsanitize=$(SAN) -fno-sanitize-recover=all) -I. -MMD -MP
LDFLAGS  += -pie -Wl,-z,relro,-z,now,--as-needed $(if $(SAN),-fsanitize=$(SAN))
LDLIBS   := -lcurl -lczmq -lzmq -lmicrohttpd -lyajl -ldb-5.3 -lcrypto -lxxhash -lz -lpthread

PROGRAMS := leat leat-gateway leat-queue leat-worker
MAINS    := cli/main.c gateway/main.c queue/main.c worker/main.c
SOURCES  := $(filter-out $(MAINS),$(wildcard common/*.c queue/*.c queue/core/*.c worker/*.c worker/table/*.c gateway/*.c cli/*.c))
TESTLIB  := $(wildcard tests/lib/*.c tests/sim/*.c)
FUZZERS  := $(filter-out tests/fuzz/main.c,$(wildcard tests/fuzz/*.c))
UNITS    := $(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(wildcard tests/unit/test_*.c))
OBJ       = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))
JOBS     := -j$(shell nproc)
COMMA    := ,
ARCHIVES  = -Wl,--start-group $(BUILD)/libleat.a $(BUILD)/libtest.a -Wl,--end-group

all: $(PROGRAMS:%=$(BUILD)/%)

# The one pattern rule for objects; everything else is links.
$(BUILD)/obj/%.o: %.c
	@mkdir -p $(@D)
	@echo '  CC  $<'
	@$(CC) $(CFLAGS) -c $< -o $@

$(BUILD)/libleat.a: $(call OBJ,$(SOURCES))
	@rm -f $@
	@$(AR) rcs $@ $^

$(BUILD)/libtest.a: $(call OBJ,$(TESTLIB))
	@rm -f $@
	@$(AR) rcs $@ $^

$(BUILD)/leat: $(call OBJ,cli/main.c)
$(BUILD)/leat-gateway: $(call OBJ,gateway/main.c)
$(BUILD)/leat-queue: $(call OBJ,queue/main.c)
$(BUILD)/leat-worker: $(call OBJ,worker/main.c)
$(PROGRAMS:%=$(BUILD)/%): $(BUILD)/libleat.a
	@echo '  LD  $@'
	@$(CC) $(LDFLAGS) $(filter %.o,$^) $(BUILD)/libleat.a $(LDLIBS) -o $@

# With AddressSanitizer, a child that leaves by _exit() looks for leaks, too.
ifneq ($(findstring address,$(SAN)),)
$(PROGRAMS:%=$(BUILD)/%): $(call OBJ,tests/sanitize/leaks.c)
$(PROGRAMS:%=$(BUILD)/%): LDFLAGS += -Wl,--wrap=_exit
endif

$(BUILD)/unit/%: $(BUILD)/obj/tests/unit/%.o $(BUILD)/libtest.a $(BUILD)/libleat.a
	@mkdir -p $(@D)
	@echo '  LD  $@'
	@$(CC) $(LDFLAGS) $(filter %.o,$^) $(ARCHIVES) $(LDLIBS) -lcmocka -o $@

$(BUILD)/unit/test_fuzz_corpus: $(call OBJ,$(FUZZERS))
$(BUILD)/unit/test_memory_%: LDFLAGS += $(addprefix -Wl$(COMMA)--wrap=,malloc calloc realloc reallocarray strdup free)

$(BUILD)/engine: $(call OBJ,tests/model/engine.c) $(BUILD)/libleat.a
	@echo '  LD  $@'
	@$(CC) $(LDFLAGS) $^ $(LDLIBS) -o $@

deps:
	@tools/deps

run: | tools-ready
	@$(MAKE) --no-print-directory $(JOBS) all
	@$(BUILD)/leat up

tools-ready:
	@tools/deps --quiet

unit: $(UNITS)
	@tools/run-units $(UNITS)

sim: $(BUILD)/unit/test_sim
	@$(BUILD)/unit/test_sim $(if $(SEEDS),--seeds $(SEEDS)) $(if $(SEED),--seed $(SEED))

mutate:
	@tools/mutate-core $(if $(SEEDS),--seeds $(SEEDS))

test: | tools-ready
	@$(MAKE) --no-print-directory $(JOBS) all $(UNITS) $(BENCHES) $(BUILD)/chaos/lossy.so $(BUILD)/engine
	@$(MAKE) --no-print-directory unit
	@tools/pytest tests/integration
	@tools/pytest tests/chaos
	@$(COMPOSE_TESTS)

# Runs where a Docker engine answers, and says so where none does. Each step has a deadline; this one is for all of them together.
COMPOSE_TESTS := timeout --foreground --signal=TERM --kill-after=60 600 tools/pytest tests/compose

test-compose: | tools-ready
	@$(COMPOSE_TESTS)

scale-demo: | tools-ready
	@$(MAKE) --no-print-directory $(JOBS) all
	@tools/scale-demo

$(BUILD)/chaos/lossy.so: $(wildcard tests/chaos/*.c tests/chaos/*.h)
	@mkdir -p $(@D)
	@$(CC) $(CSTD) $(OPT) $(WARN) -I. -fPIC -shared $(filter %.c,$^) -o $@

model: $(BUILD)/engine
	@/usr/bin/python3 tests/model/run.py --engine $(BUILD)/engine --seeds $(or $(SEEDS),20) $(if $(SEED),--seed $(SEED))

chaos: | tools-ready
	@$(MAKE) --no-print-directory $(JOBS) all $(BUILD)/chaos/lossy.so
	@env -u PYTHONHOME -u PYTHONPATH PYTHONDONTWRITEBYTECODE=1 LEAT_BUILD=$(abspath $(BUILD)) /usr/bin/python3 tests/chaos/chaos.py \
		--figures $(BUILD)/chaos $(if $(MINUTES),--minutes $(MINUTES)) $(if $(SEED),--seed $(SEED))

lint: | tools-ready
	@tools/lint

asan:
	@$(MAKE) --no-print-directory $(JOBS) BUILD=$(BUILD)/asan SAN=address,undefined all unit

asan-stack: | tools-ready
	@$(MAKE) --no-print-directory $(JOBS) BUILD=$(BUILD)/asan SAN=address,undefined all
	@tools/asan-stack $(BUILD)/asan $(SECONDS)

# What has more than one thread: the journal's writer, the keeper, the guard, the clients over ZeroMQ's. The rest would only take its time.
THREADED := journal journal_compact journal_faults journal_full journal_io journal_salvage memory_journal fuzz_corpus \
	queue_client queue_client_link queue_client_limits queue_worker net guard members keeper log
tsan: export TSAN_OPTIONS = suppressions=$(CURDIR)/tools/tsan.supp ignore_noninstrumented_modules=1
tsan:
	@$(MAKE) --no-print-directory $(JOBS) BUILD=$(BUILD)/tsan SAN=thread UNITS='$(THREADED:%=$(BUILD)/tsan/unit/test_%)' unit

# The program of all fuzz targets; tools/fuzz builds it with clang and runs it.
$(BUILD)/fuzz: $(call OBJ,tests/fuzz/main.c $(FUZZERS)) $(BUILD)/libleat.a
	@echo '  LD  $@'
	@$(CC) $(LDFLAGS) -fsanitize=fuzzer $^ $(LDLIBS) -o $@

fuzz: | tools-ready
	@$(MAKE) --no-print-directory $(JOBS) CC='$(if $(findstring ccache,$(CC)),ccache )clang' BUILD=build/fuzzing SAN=fuzzer-no-link,address,undefined build/fuzzing/fuzz
	@tools/fuzz $(if $(SECONDS),--seconds $(SECONDS)) $(TARGET)

# The programs of bench/; lockstep.c is what the load generators among them share.
BENCHES  := $(patsubst bench/%.c,$(BUILD)/bench/%,$(filter-out bench/lockstep.c,$(wildcard bench/*.c)))

$(BUILD)/bench/%: $(BUILD)/obj/bench/%.o $(BUILD)/obj/bench/lockstep.o $(BUILD)/libleat.a
	@mkdir -p $(@D)
	@echo '  LD  $@'
	@$(CC) $(LDFLAGS) $(filter %.o,$^) $(BUILD)/libleat.a $(LDLIBS) -o $@

bench: | tools-ready
	@$(MAKE) -s --no-print-directory $(JOBS) all $(BENCHES)
	@bench/run $(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(SECONDS),--seconds $(SECONDS)) $(if $(ONLY),--only $(ONLY)) \
		$(if $(filter full,$(GROWTH)),--full)

# DESTDIR= installs below another root; UNITS= is where systemd finds units.
PREFIX   ?= /usr/local

install: all
	@packaging/install $(BUILD) $(PREFIX) $(DESTDIR)

uninstall:
	@packaging/install --remove $(BUILD) $(PREFIX) $(DESTDIR)

deb:
	@packaging/deb $(BUILD)

clean:
	rm -rf $(BUILD)

help:
	@echo 'make            builds $(PROGRAMS) in $(BUILD)/'
	@echo 'make deps       installs the Debian packages that are missing'
	@echo 'make run        installs what is missing, builds, runs the stack on http://127.0.0.1:8080'
	@echo 'make test       unit, simulation and integration tests, and a short run of make chaos'
	@echo 'make unit       unit and simulation tests only'
	@echo 'make sim        simulation; SEEDS=N runs N seeds, SEED=S replays one'
	@echo 'make mutate     breaks the queue core in many ways, one at a time: the simulation must notice each'
	@echo 'make model      random operations on the table engine and on a model of it in Python; SEEDS=N, SEED=S as above'
	@echo 'make chaos      kills, stops and crashes a stack under load, then checks its promises; MINUTES=N (10), SEED=S draws the same faults; figures in $(BUILD)/chaos'
	@echo 'make test-compose  the containers of docker-compose.yml with a real Docker engine (part of make test where one answers)'
	@echo 'make scale-demo throughput with 1, 2, 4, 8 and 16 workers, as a table and a plot'
	@echo 'make lint       format, size, layer and purity checks, static analysis, both compilers'
	@echo 'make asan tsan  unit and simulation tests under AddressSanitizer and UBSan; the threaded ones under ThreadSanitizer'
	@echo 'make asan-stack the whole stack under load with those programs, and a look for leaks; SECONDS=N (60)'
	@echo 'make fuzz       libFuzzer on what reads strangers and disks; SECONDS=N each (60), TARGET=T one of them'
	@echo 'make bench      measures everything beside a bare HTTP server and other queues; ROUNDS=N (3) SECONDS=N (5) ONLY=NAME,... GROWTH=full'
	@echo 'make install uninstall  programs, manual pages, completion, units, below PREFIX (/usr/local); DESTDIR= for packages'
	@echo 'make deb        a Debian package, $(BUILD)/leat_VERSION_ARCH.deb'
	@echo 'make clean      removes $(BUILD)/'

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
.PHONY: all deps run tools-ready unit sim mutate model test test-compose scale-demo chaos lint asan asan-stack tsan fuzz bench install uninstall deb clean help
.SECONDARY:
