/* aws.h - the account and the region in names of resources (ARNs) where nobody says another: an account is set for the gateway
 * (--account-id), a region is said by each request's signature. */
#ifndef LEAT_COMMON_AWS_H
#define LEAT_COMMON_AWS_H

#define AWS_REGION "us-east-1"
#define AWS_ACCOUNT "123456789012"
#define AWS_HOME AWS_REGION ":" AWS_ACCOUNT /* as an ARN spells them */

#endif
