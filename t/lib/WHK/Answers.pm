# SPDX-License-Identifier: Apache-2.0
package WHK::Answers;

# What holds of every answer of the API, checked wherever a test looks at one.
#   refused($r, 403, 'not_enterprise_admin', 'name of the test')     JSON of docs/api.md, "Errors", headers included
#   json_headers($r, 'name')                                         the headers alone, each exactly once
# Both are one test of Test::More, and return whether it passed; what was wrong is in its diagnostics.

use strict;
use warnings;
use Exporter qw(import);
use Test::More;

our @EXPORT_OK = qw(refused json_headers);

my %expected = (
    'Content-Type'           => 'application/json',
    'Cache-Control'          => 'no-store',
    'X-Content-Type-Options' => 'nosniff',
);

sub header_flaws {
    my $r = shift;
    my @flaws;
    for my $name (sort keys %expected) {
        my @values = $r->headers($name);
        push @flaws, "$name is " . join ' and ', map { "'$_'" } @values if "@values" ne $expected{$name};
    }
    return @flaws;
}

sub body_flaws {
    my ($r, $status, $code) = @_;
    my $json = $r->json;
    return 'the body is no JSON object' if ref $json ne 'HASH';
    my @flaws;
    my $members = join ' ', sort keys %$json;
    push @flaws, "its members are $members" if $members ne 'code message requestId status';
    push @flaws, 'code is ' . ($json->{code} // 'null') if ($json->{code} // '') ne $code;
    push @flaws, 'status is ' . ($json->{status} // 'null') if ($json->{status} // '') ne $status;
    push @flaws, 'there is no message'   if !length($json->{message}   // '');
    push @flaws, 'there is no requestId' if !length($json->{requestId} // '');
    return @flaws;
}

sub report {
    my ($r, $name, @flaws) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return ok(!@flaws, $name) || diag(join("\n", @flaws), "\n", $r->head, $r->body) && 0;
}

sub refused {
    my ($r, $status, $code, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my @flaws = $r->status eq $status ? () : 'the answer is ' . $r->status;
    push @flaws, header_flaws($r), body_flaws($r, $status, $code);
    return report($r, "$name: $status $code", @flaws);
}

sub json_headers {
    my ($r, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return report($r, $name, header_flaws($r));
}

1;
