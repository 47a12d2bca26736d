# SPDX-License-Identifier: Apache-2.0
EXTRA_DIST += %D%/README.md

# A pack: dist_rules_DATA += %D%/iothub.yaml; its unit tests are EXTRA_DIST.
rulesdir = $(pkgdatadir)/rules
dist_rules_DATA = %D%/demo.yaml %D%/fleet.yaml %D%/iothub.yaml
EXTRA_DIST += %D%/fleet.test.yaml
runbooksdir = $(rulesdir)/runbooks
dist_runbooks_DATA = \
	%D%/runbooks/FleetEdgeBacklog.md \
	%D%/runbooks/FleetProvisioningBudgetBurn.md \
	%D%/runbooks/FleetProvisioningFailures.md \
	%D%/runbooks/IotHubConnectErrors.md \
	%D%/runbooks/IotHubDeviceFlapping.md \
	%D%/runbooks/IotHubDeviceOffline.md \
	%D%/runbooks/IotHubDisconnectStorm.md \
	%D%/runbooks/IotHubIdentityShared.md \
	%D%/runbooks/IotHubMessagesDropped.md \
	%D%/runbooks/IotHubMethodFailures.md \
	%D%/runbooks/IotHubRoutingEndpointUnhealthy.md \
	%D%/runbooks/IotHubThrottling.md \
	%D%/runbooks/IotHubTokenRejected.md \
	%D%/runbooks/IotHubTwinFailures.md
