# SPDX-License-Identifier: Apache-2.0
package WHK::Planned;

# Planned revocations: times as the API has them, and the background that writes down what was revoked.
#   my $ms = ahead(3.5);             so many seconds from now, in milliseconds since 1970
#   iso($ms)                         2026-12-01T00:00:00.000Z
#   wait_until($ms)                  ... has come
#   my $r = put($w, $kid, $ms or {...}, enterprise => 'acme', client => $c);   WHK::Webhooks; plan, or move
#   my $r = cancel($w, $kid, enterprise => ..., client => ...);
#   trail($w, $kid, $enterprise)     its events, oldest first: hashes as the API has them
#   hold($server); release($server); in between the background can't write, whatever it tries: a trigger in the database

use strict;
use warnings;
use Exporter qw(import);
use JSON::PP;
use POSIX qw(strftime);
use Time::HiRes qw(sleep time);

our @EXPORT_OK = qw(ahead iso wait_until put cancel trail hold release);

my $json = JSON::PP->new->utf8->canonical;

sub ahead { my $seconds = shift; return int(1000 * (time + $seconds)) }
sub iso { my $ms = shift; return strftime('%Y-%m-%dT%H:%M:%S', gmtime int $ms / 1000) . sprintf '.%03dZ', $ms % 1000 }

sub wait_until { my $ms = shift; while ((my $left = $ms / 1000 - time) > 0) { sleep $left } return }

sub path { my ($w, $kid, %o) = @_; return $w->server->keys($o{enterprise} // 'acme') . "/$kid/revocation" }

sub put {
    my ($w, $kid, $when, %o) = @_;
    my $text = $json->encode(ref $when ? $when : { revokesDate => iso($when) });
    my %headers = ($w->admins($o{enterprise} // 'acme')->write, 'Content-Type' => 'application/json');
    return ($o{client} // $w->client)->request(PUT => path($w, $kid, %o), \%headers, $text);
}

sub cancel {
    my ($w, $kid, %o) = @_;
    return ($o{client} // $w->client)->request(DELETE => path($w, $kid, %o), { $w->admins($o{enterprise} // 'acme')->write });
}

sub trail {
    my ($w, $kid, $enterprise) = @_;
    $enterprise //= 'acme';
    my ($offset, @events) = (0);
    while (1) {
        my $page = $w->client->request(GET => $w->server->events($enterprise) . "?limit=100&prevId=$offset", { $w->admins($enterprise)->read })->json->{events};
        last if !@{$page};
        push @events, @{$page};
        $offset += @{$page};
    }
    return grep { ($_->{keyId} // '') eq $kid } reverse @events;
}

sub hold {
    my $server = shift;
    my $driver = $server->driver;
    $server->make_trigger('held', 'whk_key',
        $driver eq 'sqlite3' ? q{CREATE TRIGGER held BEFORE UPDATE ON whk_key WHEN NEW.revoked_by = 'schedule' BEGIN SELECT RAISE(ABORT, 'held'); END}
      : $driver eq 'mysql' ? q{CREATE TRIGGER held BEFORE UPDATE ON whk_key FOR EACH ROW SET NEW.status = IF(NEW.revoked_by = 'schedule', NULL, NEW.status)}
      : q{CREATE OR REPLACE FUNCTION held() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''held''; END';}
          . q{CREATE TRIGGER held BEFORE UPDATE ON whk_key FOR EACH ROW WHEN (NEW.revoked_by = 'schedule') EXECUTE FUNCTION held()});
    return;
}

sub release {
    my $server = shift;
    $server->drop_trigger('held');
    $server->sql('DROP FUNCTION held()') if $server->driver eq 'pgsql';
    return;
}

1;
