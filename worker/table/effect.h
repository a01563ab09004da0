/* effect.h - what an action does at its path: between the two halves of an update (update_eval.c, update.c). */
#ifndef LEAT_WORKER_TABLE_EFFECT_H
#define LEAT_WORKER_TABLE_EFFECT_H

#include "common/item.h"

enum effect_kind {
    EFFECT_NONE, /* the place keeps what it has */
    EFFECT_PUT,  /* the place holds value from now on */
    EFFECT_DROP  /* the place goes, if it is there */
};

struct effect {
    enum effect_kind kind;
    struct value value;
};

#endif
