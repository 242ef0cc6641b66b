# SPDX-License-Identifier: Apache-2.0
# Four nodes want the same at the same moment: exactly one gets it, every time, and nobody is told 500. With galera they write
# to three database nodes, whose locks do not know of each other. For long: make -f Makefile.apxs fleet
use strict;
use warnings;
use Test::More;
use JSON::PP;
use POSIX ();
use Time::HiRes qw(sleep time);
use WHK::Admins;
use WHK::Client;
use WHK::Fleet;
use WHK::Keys;
use WHK::OTP;
use WHK::Origin;
use WHK::Parallel;

my $nodes  = 4;
my $rounds = WHK::Fleet::rounds(8, 1000);
my $json   = JSON::PP->new->utf8->canonical;

sub outcome { my $r = shift; return $r->status . (defined $r->code ? ' ' . $r->code : '') }
sub tally { my %count; $count{$_}++ for @_; return $json->encode(\%count) }

# One process a node, for all rounds: told what to do by a line, it answers with the outcome.
sub crowd {
    my ($fleet, $do) = @_;
    my @crowd;
    for my $n (1 .. $fleet->nodes) {
        pipe my $in, my $tell or die $!;
        pipe my $hear, my $out or die $!;
        my $pid = fork // die $!;
        if (!$pid) {
            close $_ for $tell, $hear, map { @{$_}[1, 2] } @crowd;
            my $client = WHK::Client->new($fleet->node($n)->server->port);
            while (defined(my $line = <$in>)) {
                chomp $line;
                my $said = eval { $do->($client, $n, $line) } // "died: $@" =~ s/\s+/ /gr;
                syswrite $out, "$said\n";
            }
            POSIX::_exit(0);
        }
        close $in;
        close $out;
        push @crowd, [ $pid, $tell, $hear ];
    }
    return \@crowd;
}

sub ask {
    my ($crowd, $line) = @_;
    syswrite $_->[1], "$line\n" for @{$crowd};
    my @said = map { my $hear = $_->[2]; my $said = <$hear>; chomp $said; $said } @{$crowd};
    return @said;
}

sub dismiss { my $crowd = shift; close $_->[1] for @{$crowd}; waitpid $_->[0], 0 for @{$crowd}; return }

# How many rounds ended otherwise than they must, and how.
sub race {
    my ($fleet, $what, $do, $expected, %o) = @_;
    my $crowd = crowd($fleet, $do);
    my %odd;
    for my $round (1 .. $o{rounds} // $rounds) {
        $o{before}->($round) if $o{before};
        my $got = tally(ask($crowd, $round));
        $odd{$got}++ if $got ne $json->encode($expected);
    }
    dismiss($crowd);
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    is_deeply(\%odd, {}, $what);
    return;
}

my $sets   = 10;
my $origin = WHK::Origin->new(cert => undef);

for my $kind (WHK::Fleet::kinds()) {
    subtest $kind => sub {
        my $fleet = WHK::Fleet->new($kind, $nodes, before => "WebhookKeysMaxActive 10000\nWebhookKeysJwksUriAllow 127.0.0.1");
        my $sql   = sub { $fleet->database->sql(shift) };
        my $a     = WHK::Admins->new($fleet->first->server, 'race', 1)->codes_work_again;
        my @keys  = WHK::Keys::many($nodes * $rounds + 2 * $rounds + 10);
        my $body  = sub { my ($key, $id) = @_; return { jwks => WHK::Keys::jwks({ %{$key}, kid => $id }) } };

        race($fleet, 'one keyId, four keys', sub {
            my ($client, $n, $round) = @_;
            return outcome($a->register($client, $body->($keys[ ($round - 1) * $nodes + $n - 1 ], "same-$round")));
        }, { '201' => 1, '400 key_id_taken' => $nodes - 1 });

        my @others = @keys[ $nodes * $rounds .. $#keys ];
        race($fleet, 'one key, four keyIds', sub {
            my ($client, $n, $round) = @_;
            return outcome($a->register($client, $body->($others[ $round - 1 ], "alias-$round-$n")));
        }, { '201' => 1, '409 key_material_in_use' => $nodes - 1 });

        race($fleet, 'one revoke of four', sub {
            my ($client, $n, $round) = @_;
            return outcome($a->revoke($client, "same-$round"));
        }, { '200' => 1, '409 key_already_revoked' => $nodes - 1 });

        # A code is good for whoever shows it first; what he asks for is refused later, so the others are told of the code.
        # A node checks some 60 wrong codes of a user in an hour, so there are many users.
        my $b    = WHK::Admins->new($fleet->first->server, 'codes', 1 + int($rounds / 12));
        my $of   = sub { my $round = shift; return $b->{list}[ int($round / 12) ] };
        my $show = sub {
            my ($client, $user, $code) = @_;
            return outcome($client->request(
                POST => $fleet->first->server->keys('codes'),
                { Authorization => "Bearer $user->{token}", OTP => $code, 'Content-Type' => 'application/json' }, '[]'
            ));
        };
        # A node of a cluster that has not heard of it yet would answer by the lock of the round before.
        my $anew  = sub { $sql->('UPDATE whk_otp SET last_step = -1, failures = 0, locked_until = 0'); $fleet->database->settle };
        my $locks = sub { $fleet->database->settle; return $sql->("SELECT count(*) FROM whk_event WHERE enterprise_id = 'codes' AND type = 'otp.locked'") };
        race($fleet, 'one code, shown four times', sub { my ($client, $n, $round) = @_; my $user = $of->($round); return $show->($client, $user, WHK::OTP::code($user->{secret})) },
            { '400 invalid_request' => 1, '401 otp_invalid' => $nodes - 1 }, before => $anew);
        my $before = $locks->();
        my $crowd = crowd($fleet, sub {
            my ($client, $n, $round) = @_;
            my $user = $of->($round);
            my %good = map { $_ => 1 } map { WHK::OTP::code($user->{secret}, step => WHK::OTP::step_now() + $_) } -2 .. 2;
            my ($code) = grep { !$good{$_} } map { sprintf '%06d', $_ } 0 .. 9;
            return join '|', map { $show->($client, $user, $code) } 1, 2;
        });
        my %odd;
        for my $round (1 .. $rounds) {
            # Nor are all users told apart there: who guesses for this long meets a node that was started since.
            if ($round % 100 == 1) { $_->server->restart for $fleet->nodes }
            $anew->();
            my $got = tally(map { split /\|/ } ask($crowd, $round));
            $odd{$got}++ if $got ne $json->encode({ '401 otp_invalid' => 5, '429 otp_locked' => 3 });
        }
        dismiss($crowd);
        is_deeply(\%odd, {}, 'eight wrong codes: five are refused, and then the user is locked');
        is($locks->() - $before, $rounds, '... once each time');

        # Key sets that are due: whichever node sees it first, one fetches.
        my @paths;
        for my $n (1 .. $sets) {
            my $jwk = $others[ -$n ];
            push @paths, WHK::Origin::serve("$kind-$n.json", $json->encode({ keys => [ { %{$jwk}, kid => "remote-$n" } ] }));
            is(outcome($a->register($fleet->first->client, { jwksUri => $origin->http_uri('127.0.0.1', $paths[-1]), keyId => "remote-$n" })), '201', "a set of its own, $n");
        }
        my $fetches = sub { my %count; $count{$_}++ for $origin->lines('request'); return map { $count{"GET $_"} // 0 } @paths };
        my %twice;
        for my $round (1 .. ($rounds + $sets - 1) / $sets) {
            my @before = $fetches->();
            $sql->('UPDATE whk_remote_set SET refresh_at = 0');
            for (1 .. 200) { last if $sql->('SELECT count(*) FROM whk_remote_set WHERE refresh_at = 0') == 0; sleep 0.05 }
            my @after = $fetches->();
            my $new = join ' ', map { $after[$_] - $before[$_] } 0 .. $#paths;
            $twice{$new}++ if $new ne join ' ', (1) x $sets;
        }
        is_deeply(\%twice, {}, 'each set that is due is fetched by one node');

        my ($status, $out, $err) = $fleet->first->server->ctl('audit', 'verify');
        is($status, 0, 'the trails are whole') or diag $out . $err;
        unlike(join('', map { $_->server->error_log } $fleet->nodes), qr/:(?:error|crit)\]/, 'no node had anything to complain of');
    };
}
done_testing;
