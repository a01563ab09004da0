/* net_name.h - the address behind tcp://NAME:PORT, looked up in a thread of its own: a name server that does not answer takes seconds,
 * and neither a loop nor ZeroMQ's own thread, which would keep no connection meanwhile, shall wait for it. */
#ifndef LEAT_COMMON_NET_NAME_H
#define LEAT_COMMON_NET_NAME_H

#include <stdbool.h>

#define NET_NAME_BYTES 64 /* "tcp://255.255.255.255:65535" and its NUL fit */

struct net_name;

/* Whether there is a name to look up: the endpoint is tcp://NAME:PORT, and NAME no address. */
bool net_name_needed(const char *endpoint);

/* For an endpoint that needs it. NULL when there is no memory or descriptor. Asks nobody yet. */
struct net_name *net_name_create(const char *endpoint);
/* A look-up that still runs ends by itself and is forgotten. Clears *n; NULL is accepted. */
void net_name_destroy(struct net_name **n);

/* Starts a look-up, unless one runs. Never blocks. */
void net_name_ask(struct net_name *n);
int net_name_fd(const struct net_name *n); /* readable when a look-up has ended and was not taken */
/* True, once for each look-up that found an address: it is in endpoint, as tcp://ADDRESS:PORT. */
bool net_name_take(struct net_name *n, char endpoint[static NET_NAME_BYTES]);

#endif
