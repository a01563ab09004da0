/* http_listen.h - the listening socket of a gateway. */
#ifndef LEAT_GATEWAY_HTTP_LISTEN_H
#define LEAT_GATEWAY_HTTP_LISTEN_H

#include "common/err.h"

#define HTTP_URL_BYTES 96u

/* Binds "HOST:PORT", "[v6]:PORT" or ":PORT" (all addresses); port 0 takes a free one. Several processes may listen on one port, the
 * kernel then spreads connections over them. Returns the descriptor and writes "http://HOST:PORT" with the real port; -1 with
 * ERR_VALIDATION (the text is no address) or ERR_UNAVAILABLE (it cannot be bound now). */
int http_listen(const char *address, char url[static HTTP_URL_BYTES], struct err *e);

#endif
