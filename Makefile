# Roundabout. Everything that is built goes into build/.
#   make            build/libroundabout.so, build/roundabout
#   make check      all tests      make demo      the main job, shown on throwaway servers

BUILD ?= build
CC ?= cc
WARNINGS = -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes \
           -Wpointer-arith -Wcast-qual -Wwrite-strings -Wvla
ifdef CI
WARNINGS += -Werror
endif
HARDENING = -fstack-protector-strong -D_FORTIFY_SOURCE=2
OPTIMISE ?= -O2
SANITIZE ?=
CFLAGS += -std=gnu11 -g $(OPTIMISE) $(HARDENING) $(WARNINGS) $(SANITIZE) -MMD -MP
LDFLAGS += -Wl,-z,relro,-z,now $(SANITIZE)

CONFIG_SOURCES = config/config.c
PURE_SOURCES   = $(filter-out $(SHIM_PARTS),$(wildcard shim/*.c))

all:

include Makefile.ring
