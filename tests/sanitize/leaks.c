/* leaks.c - linked into the programs of a build with AddressSanitizer only, with --wrap=_exit: a child that leaves by _exit() looks for leaks,
 * too, as exit() does by itself. A leak is reported and changes the exit status. */
#include <sanitizer/lsan_interface.h>

void __real__exit(int status);
void __wrap__exit(int status);

void __wrap__exit(int status)
{
    if (status == 0)
        __lsan_do_leak_check();
    __real__exit(status);
}
