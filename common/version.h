/* version.h - the version that every program of the tree names under --version. */
#ifndef LEAT_COMMON_VERSION_H
#define LEAT_COMMON_VERSION_H

#define LEAT_VERSION "0.1.0"

#endif
