# SPDX-License-Identifier: Apache-2.0
package WHK::OTP;

# Time-based one-time passwords, as an authenticator app makes them (RFC 6238); not our own C code.
#   code($base32, at => time, step => n, algorithm => 'sha1', digits => 6, period => 30)

use strict;
use warnings;
use Digest::SHA qw(hmac_sha1 hmac_sha256 hmac_sha512);

my %hmac = (sha1 => \&hmac_sha1, sha256 => \&hmac_sha256, sha512 => \&hmac_sha512);

sub base32_decode {
    my $text = uc shift;
    $text =~ tr/A-Z2-7//cd;
    my $bits = join '', map { sprintf '%05b', index('ABCDEFGHIJKLMNOPQRSTUVWXYZ234567', $_) } split //, $text;
    return pack 'B*', substr $bits, 0, 8 * int(length($bits) / 8);
}

sub step_now { my $period = shift // 30; return int(time / $period) }

sub code {
    my ($secret, %o) = @_;
    my $period = $o{period} // 30;
    my $step   = $o{step} // int(($o{at} // time) / $period);
    my $mac = $hmac{ $o{algorithm} // 'sha1' }->(pack('Q>', $step), base32_decode($secret));
    my $at     = ord(substr $mac, -1) & 15;
    my $number = unpack('N', substr $mac, $at, 4) & 0x7fffffff;
    my $digits = $o{digits} // 6;
    return sprintf "%0${digits}d", $number % 10**$digits;
}

1;
