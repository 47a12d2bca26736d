/* SPDX-License-Identifier: Apache-2.0 */
/* dps_text.c - resource logs of the Device Provisioning Service, in the common
 * schema's camelCase, as an event hub gets them. */
#include "config.h"

#include "plugins/source_sim/fleet.h"

#define SECOND INT64_C(1000000)
#define LIT(t, s) text_add(t, s, sizeof s - 1)

struct attempt {
    const char *operation, *version, *category;
    const char *result, *signature, *description, *level;
    const char *type, *protocol;
};

static const struct attempt attempts[] = {
    {"AttestationAttempt", "March2019", "DeviceOperations", "Success", "", "",
     "Information", "Registration", "Mqtt"},
    {"AttestationAttempt", "March2019", "DeviceOperations", "ClientError",
     "401", "Unauthorized", "Error", "Registration", "Mqtt"},
    {"Upsert", "October2021", "ServiceOperations", "Success", "", "",
     "Information", "IndividualEnrollment", "Http"},
};

#define ATTEMPT_GOOD 0
#define ATTEMPT_REFUSED 1
#define ATTEMPT_ENROLL 2

static void
put_pair(struct text *t, const char *key, const char *value)
{
    LIT(t, "\",\"");
    text_str(t, key);
    LIT(t, "\":\"");
    text_str(t, value);
}

static void
put_attempt(struct text *t, const struct attempt *a, uint32_t device,
            int64_t time_us, uint64_t random)
{
    LIT(t, "{\"time\":\"");
    text_time(t, time_us);
    LIT(t, "\",\"resourceId\":\"/SUBSCRIPTIONS/11111111-2222-3333-4444-"
           "555555555555/RESOURCEGROUPS/FLEET-RG/PROVIDERS/MICROSOFT.DEVICES/"
           "PROVISIONINGSERVICES/CONTOSO-DPS");
    put_pair(t, "operationName", a->operation);
    put_pair(t, "operationVersion", a->version);
    put_pair(t, "category", a->category);
    put_pair(t, "resultType", a->result);
    put_pair(t, "resultSignature", a->signature);
    put_pair(t, "resultDescription", a->description);
    put_pair(t, "durationMs", "");
    text_u64(t, 20 + random % 400, 1);
    put_pair(t, "callerIpAddress", "");
    text_u64(t, 11 + device % 200, 1);
    LIT(t, ".18.226.XXX");
    put_pair(t, "correlationId", "");
    text_uuid(t, random, ~random);
    put_pair(t, "level", a->level);
    put_pair(t, "location", "westeurope");
    LIT(t, "\",\"properties\":\"{\\\"id\\\":\\\"pump-");
    text_u64(t, device, 4);
    LIT(t, "\\\",\\\"type\\\":\\\"");
    text_str(t, a->type);
    LIT(t, "\\\",\\\"protocol\\\":\\\"");
    text_str(t, a->protocol);
    LIT(t, "\\\"}\"}");
}

/* A device registers now and then; while tokens are expired, those that are
 * struck try each second and are refused. */
size_t
fleet_dps_envelope(const struct fleet *f, uint64_t second, struct text *t)
{
    int64_t at_us = (int64_t)second * SECOND;
    int64_t time_us = fleet_time(f, at_us);
    size_t n = 0;
    int refused = fleet_fault(f, FAULT_EXPIRED_TOKENS, at_us);
    for (uint32_t d = 0; refused && d < f->devices; d++) {
        if (!fleet_struck(f, FAULT_EXPIRED_TOKENS, d, at_us))
            continue;
        text_str(t, n++ ? "," : "{\"records\":[");
        put_attempt(t, &attempts[ATTEMPT_REFUSED], d, time_us,
                    fleet_random(f, 20 + d, second));
    }
    uint64_t random = fleet_random(f, 5, second);
    if (random % 3 == 0) {
        int which = random / 3 % 5 ? ATTEMPT_GOOD : ATTEMPT_ENROLL;
        text_str(t, n++ ? "," : "{\"records\":[");
        put_attempt(t, &attempts[which], (uint32_t)(random / 64 % f->devices),
                    time_us, random);
    }
    if (n > 0)
        LIT(t, "]}");
    return n;
}
