/* screen.c - see screen.h. By the sequences that every terminal of today knows. */
#include "cli/screen.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "common/clock.h"

#define ENTER "\x1b[?1049h\x1b[?25l" /* another page, no cursor */
#define LEAVE "\x1b[?25h\x1b[?1049l"
#define CTRL_D 4

static struct termios saved;
static bool taken, has_keys;
static volatile sig_atomic_t leaving, resized;

static const int ends[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};

static void on_end(int number) { leaving = number; }
static void on_resize(int number) { resized = number; }

bool screen_possible(void)
{
    const char *kind = getenv("TERM");
    return isatty(STDOUT_FILENO) && kind && kind[0] && strcmp(kind, "dumb") != 0;
}

static void handle(int number, void (*handler)(int))
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = handler;
    sigaction(number, &action, NULL);
}

/* Best effort: a terminal that is gone cannot be put right. */
static void say(const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = write(STDOUT_FILENO, bytes, len);
        if (n < 0 && errno != EINTR)
            return;
        bytes += n > 0 ? n : 0;
        len -= n > 0 ? (size_t)n : 0;
    }
}

int screen_open(void)
{
    struct termios raw;
    fflush(stdout);
    has_keys = isatty(STDIN_FILENO);
    if (has_keys && tcgetattr(STDIN_FILENO, &saved) != 0)
        return -1;
    leaving = resized = 0;
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++)
        handle(ends[i], on_end);
    handle(SIGWINCH, on_resize);
    taken = true;
    if (has_keys) {
        raw = saved;
        raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
        raw.c_cc[VSUSP] = _POSIX_VDISABLE; /* a stopped view would leave the terminal as it is */
        raw.c_cc[VMIN] = 0;
        raw.c_cc[VTIME] = 0;
        if (tcsetattr(STDIN_FILENO, TCSAFLUSH, &raw) != 0) {
            screen_close();
            return -1;
        }
    }
    say(ENTER, sizeof ENTER - 1);
    return 0;
}

void screen_close(void)
{
    if (!taken)
        return;
    taken = false;
    say(LEAVE, sizeof LEAVE - 1);
    if (has_keys)
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &saved);
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++)
        handle(ends[i], SIG_DFL);
    handle(SIGWINCH, SIG_DFL);
}

void screen_size(int *columns, int *rows)
{
    struct winsize size;
    bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0;
    *columns = known && size.ws_col > 0 ? size.ws_col : 80;
    *rows = known && size.ws_row > 0 ? size.ws_row : 24;
}

/* Each line takes the rest of its row; the last one does not end, so that nothing scrolls. */
void screen_draw(const struct buf *text)
{
    struct buf out = {0};
    buf_text(&out, "\x1b[H");
    for (size_t i = 0; i < text->len; i++) {
        if (text->data[i] == '\n')
            buf_text(&out, "\x1b[K");
        if (text->data[i] != '\n')
            buf_byte(&out, text->data[i]);
        else if (i + 1 < text->len)
            buf_text(&out, "\r\n");
    }
    buf_text(&out, "\x1b[J");
    if (!buf_failed(&out))
        say((const char *)out.data, out.len);
    buf_finish(&out);
}

static bool key_leaves(void)
{
    char key;
    ssize_t n = read(STDIN_FILENO, &key, 1);
    return n == 1 ? key == 'q' || key == 'Q' || key == CTRL_D : n == 0 || errno != EINTR;
}

enum screen_event screen_wait(int64_t ms)
{
    int64_t until = clock_mono_ms() + ms;
    for (;;) {
        int64_t left = until - clock_mono_ms();
        struct pollfd fd = {.fd = has_keys ? STDIN_FILENO : -1, .events = POLLIN};
        if (leaving)
            return SCREEN_LEAVE;
        if (resized) {
            resized = 0;
            return SCREEN_RESIZED;
        }
        if (left <= 0)
            return SCREEN_TIME_OVER;
        /* A signal between the looks above and poll() is seen a little later. */
        if (poll(&fd, 1, left < 200 ? (int)left : 200) > 0 && key_leaves())
            return SCREEN_LEAVE;
    }
}

const volatile sig_atomic_t *screen_leaving(void) { return &leaving; }
