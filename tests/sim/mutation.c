/* mutation.c - the table of the faults that the checker must find. */
#include "tests/sim/sim.h"

static const struct {
    const char *name, *text;
    uint32_t seeds;
} rows[SIM_MUTATION_COUNT] = {
#define SIM_MUTATION_ROW(name, seeds, text) [SIM_##name] = {#name, text, seeds},
    SIM_MUTATIONS(SIM_MUTATION_ROW)
#undef SIM_MUTATION_ROW
};

const char *sim_mutation_name(enum sim_mutation m) { return rows[m].name; }
const char *sim_mutation_text(enum sim_mutation m) { return rows[m].text; }
uint32_t sim_mutation_seeds(enum sim_mutation m) { return rows[m].seeds; }
