/* reasons.c - why messages are dead: distinct texts, kept once each, in a table made at the start, so that no reason is lost for want of
 * memory. Index 0 is no reason, and stands for those that had no more room. */
#include "queue/core/state.h"

static uint32_t find(const struct core *c, struct slice text)
{
    for (uint32_t i = 0; i < c->reason_count; i++)
        if (strlen(c->reasons[i].text) == text.len && memcmp(c->reasons[i].text, text.ptr, text.len) == 0)
            return i;
    return CORE_NONE;
}

static uint32_t add(struct core *c, struct slice text)
{
    if (c->reason_count == REASONS_MAX)
        return 0;
    memcpy(c->reasons[c->reason_count].text, text.ptr, text.len);
    c->reasons[c->reason_count].text[text.len] = '\0';
    return c->reason_count++;
}

uint32_t reasons_intern(struct core *c, struct slice text)
{
    if (c->reason_count == 0)
        add(c, slice_text(""));
    if (text.len > LIMIT_REASON_BYTES)
        text.len = LIMIT_REASON_BYTES;
    uint32_t i = find(c, text);
    return i != CORE_NONE ? i : add(c, text);
}

const char *reasons_at(const struct core *c, uint32_t index) { return index < c->reason_count ? c->reasons[index].text : ""; }
