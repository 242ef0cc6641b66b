# SPDX-License-Identifier: Apache-2.0
package WHK::Recorder;

# What the API was asked and answered, for t/openapi/validate.mjs: a line of JSON each, in a file of each process below
# the folder that WHK_RECORD names. Of those that look alike one is kept.
#   WHK::Recorder::record($method, $target, $request (a WHK::Response of its head), $body, $response);

use strict;
use warnings;
use File::Basename qw(basename);
use JSON::PP;

my $json = JSON::PP->new->latin1->canonical;
my (%seen, $out, $owner);

# Of locations of our own, by the tail of their paths.
my $ours = qr{/enterprises/[^/?]+/webhooks/(?:keys|key-events|key-validations|jwks\.json)(?:[/?]|\z)};

# Names and times differ in each.
sub shape {
    my $body = shift;
    $body =~ s/"(?:id|keyId|keyName|createdBy|actor|requestId|thumbprint|kid|x|y|n|message|detail|remoteAddress|at)":"[^"]*"/"s"/g;
    $body =~ s/\d+/0/g;
    return $body;
}

sub record {
    my ($method, $target, $request, $body, $response) = @_;
    # Its chunks are no JSON.
    my $is_chunked = defined $request->header('Transfer-Encoding');
    return if !defined $ENV{WHK_RECORD} || $target !~ $ours || !$response->status;
    my $let_through = $response->status < 400;
    my $shape = join "\n", $method, $target =~ s{[^/?]*/webhooks}{webhooks}r =~ s{/keys/[^/?]+}{/keys/-}r, $response->status,
      join(' ', sort keys %{ $response->{headers} }), shape($response->body), $let_through ? shape($body // '') : '';
    return if $seen{$shape}++;
    if (!$out || $owner != $$) {
        $owner = $$;
        open $out, '>>', "$ENV{WHK_RECORD}/$$.jsonl" or die "$ENV{WHK_RECORD}: $!";
        $out->autoflush;
    }
    my %headers = map { $_ => $response->header($_) } keys %{ $response->{headers} };
    my %sent    = map { $_ => $request->header($_) } grep { !/^(?:authorization|otp)$/ } keys %{ $request->{headers} };
    my %line    = (
        test => basename($0), method => $method, target => $target, status => $response->status + 0, headers => \%headers,
        body => $response->body, $let_through && !$is_chunked ? (sent => { headers => \%sent, body => $body }) : ()
    );
    print $out $json->encode(\%line), "\n";
    return;
}

1;
