/* log.h - structured log lines on standard error, one line an event: key=value for people, JSON for machines.
 *
 *   log_info("segment.open", "file=%s bytes=%zu", name, bytes);
 *
 * The format makes space-separated key=value pairs; a value with spaces or quotes is passed through log_value() first.
 * One write(2) a line, so that lines of several processes do not mix. Never fails, never blocks on anything else. */
#ifndef LEAT_COMMON_LOG_H
#define LEAT_COMMON_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR };
enum log_format { LOG_FORMAT_TEXT, LOG_FORMAT_JSON };

void log_init(const char *role, enum log_level level, enum log_format format); /* role must outlive the process */
void log_event(enum log_level level, const char *event, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* Quotes text for use as a value, control characters escaped, cut to size; returns out. */
const char *log_value(const char *text, char *out, size_t size);
/* Parses "debug|info|warn|error" and "text|json"; -1 if unknown. */
int log_level_parse(const char *text);
int log_format_parse(const char *text);

/* For what a peer may cause as often as it likes: true at most once a second; *unsaid is then how many were kept back since. All zeros at
 * first. For one thread, or for several that may lose a count. */
struct log_limit {
    int64_t next_ms;
    unsigned long unsaid;
};
bool log_limit_due(struct log_limit *l, int64_t mono_ms, unsigned long *unsaid);

/* A warning that is written at most once a second from this place, with how many were not: log_warn_seldom(now_ms, "event", "a=%d", a). */
#define log_warn_seldom(mono_ms, event, format, ...)                                                                           \
    do {                                                                                                                       \
        static struct log_limit limit_;                                                                                        \
        unsigned long unsaid_;                                                                                                 \
        if (log_limit_due(&limit_, mono_ms, &unsaid_))                                                                         \
            log_event(LOG_LEVEL_WARN, event, format " unsaid=%lu", __VA_ARGS__, unsaid_);                                      \
    } while (0)

#define log_debug(...) log_event(LOG_LEVEL_DEBUG, __VA_ARGS__)
#define log_info(...) log_event(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_warn(...) log_event(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_error(...) log_event(LOG_LEVEL_ERROR, __VA_ARGS__)

#endif
