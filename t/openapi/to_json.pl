# SPDX-License-Identifier: Apache-2.0
# Prints docs/openapi.yaml as JSON, for docs/openapi.json.
use strict;
use warnings;
use WHK::OpenAPI;

my ($folder, $why) = WHK::OpenAPI::install();
die "$why\n" if !$folder;
my ($status, $out, $err) = WHK::OpenAPI::node($folder, 'to_json.mjs', $WHK::OpenAPI::description);
die $err if $status;
print $out;
