/* aws.h - the account and the region that names of resources (ARNs) carry: there is one of each, clients only pass them around. */
#ifndef LEAT_COMMON_AWS_H
#define LEAT_COMMON_AWS_H

#define AWS_REGION "us-east-1"
#define AWS_ACCOUNT "000000000000"

#endif
