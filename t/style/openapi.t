# SPDX-License-Identifier: Apache-2.0
# docs/openapi.json, and so docs/openapi.yaml, names the codes, events, paths and methods that the sources have, and no others.
use strict;
use warnings;
use Test::More;
use JSON::PP;
use WHK::Server;

sub text_of {
    my $file = shift;
    open my $in, '<:encoding(UTF-8)', "$WHK::Server::root/$file" or die "$file: $!";
    local $/;
    return scalar <$in>;
}

my $api = JSON::PP->new->decode(text_of('docs/openapi.json'));

# ---- codes

my %status = text_of('src/model/outcome.c') =~ /^\s*\[WHK_\w+\] =\s*\{"(\w+)",\s*(\d+),/mg;
cmp_ok(scalar keys %status, '>', 40, 'the sources have codes');
my %described;
for my $name (sort keys %{ $api->{components}{responses} }) {
    my ($error) = grep { $_->{properties} } @{ ($api->{components}{responses}{$name}{content} // {})->{'application/json'}{schema}{allOf} // [] } or next;
    my $rule = $error->{properties}{status};
    for my $code (@{ $error->{properties}{code}{enum} }) {
        $described{$code} = 1;
        is($rule->{const}, $status{$code}, "$name: the status of $code") if defined $rule->{const};
    }
}
# Those of webhooks and of signed answers come from other locations.
my ($section) = text_of('docs/errors.md') =~ /^## Of the API\n(.*?)^## /ms;
my @of_api = $section =~ /^\| \d+ \| `(\w+)` \|/mg;
is(join(' ', sort keys %described), join(' ', sort @of_api), 'each code of the API is described, and no other');
is(join(' ', grep { !$status{$_} } @of_api), '', '... and the sources have it');
my ($bad) = grep { $_->{properties}{reason} } @{ $api->{components}{schemas}{Verification}{oneOf} };
my ($reasons) = text_of('docs/api.md') =~ /^`reason` is (.*?)\. A JWS$/ms;
is(join(' ', sort @{ $bad->{properties}{reason}{enum} }), join(' ', sort $reasons =~ /`([a-z]+_\w+)`/g), 'the reasons for which a signature is not valid');
is(join(' ', grep { !$status{$_} } @{ $bad->{properties}{reason}{enum} }), '', '... are codes');

# ---- events

my ($types) = text_of('src/model/event.c') =~ /event_type_names\[.*?\] = \{(.*?)^\};/ms;
is(
    join(' ', sort @{ $api->{components}{schemas}{Event}{properties}{type}{enum} }), join(' ', sort $types =~ /"([\w.]+)"/g),
    'each type of an event is described, and no other'
);

# ---- paths and methods

my ($patterns) = text_of('src/httpd/api/routes.c') =~ /patterns\[\] = \{(.*?)^\};/ms;
my %served;
while ($patterns =~ /\{WHK_ROUTE_\w+,\s*\{(.*?)\},\s*"(.*?)"\}/gs) {
    my ($segments, $allow) = ($1, $2);
    $served{ join '/', '', reverse $segments =~ /"(.*?)"/g } = join ' ', sort map { lc } grep { !/^(?:HEAD|OPTIONS)$/ } split /, /, $allow;
}
# It does not describe itself.
delete $served{'/openapi.json'};
my %paths = map { s/\{\w+\}//gr => join ' ', sort grep { $_ ne 'parameters' } keys %{ $api->{paths}{$_} } } keys %{ $api->{paths} };
is_deeply(\%paths, \%served, 'each path and method is described, and no other');
done_testing;
