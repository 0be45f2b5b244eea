package normalize

import "testing"

func TestPhoneFromWaID(t *testing.T) {
	for _, c := range []struct{ in, want, why string }{
		{"15551234567", "+15551234567", "plain"},
		{"+15551234567", "+15551234567", "with plus"},
		{"553187654321", "+5531987654321", "Brazil, mobile without the ninth digit"},
		{"559291234567", "+5592991234567", "Brazil, mobile without the ninth digit"},
		{"551161234567", "+5511961234567", "Brazil, lowest first digit of a mobile"},
		{"5511987654321", "+5511987654321", "Brazil, complete"},
		{"551133334444", "+551133334444", "Brazil, landline"},
		{"551153334444", "+551153334444", "Brazil, highest first digit of a landline"},
		{"5215512345678", "+525512345678", "Mexico, old 1"},
		{"525512345678", "+525512345678", "Mexico, without"},
		{"5491123456789", "+5491123456789", "Argentina, mobile"},
		{"541123456789", "+541123456789", "Argentina, ambiguous: not guessed"},
		{"54111523456789", "+5491123456789", "Argentina, Buenos Aires with 15"},
		{"54351154567890", "+5493514567890", "Argentina, area code of three with 15"},
		{"54298315456789", "+5492983456789", "Argentina, area code of four with 15"},
		{"54351151567890", "+5493511567890", "Argentina, 15 in one place and a 1 after"},
		{"54115154567890", "+54115154567890", "Argentina, no area code 115"},
		{"54111515456789", "+5491115456789", "Argentina, 15 again after 15"},
		{"22507123456", "+22507123456", "Côte d'Ivoire, old: left as it is"},
		{"22997123456", "+22997123456", "Benin, old: left as it is"},
		{"", "", "no number"},
		{"+", "", "only a plus"},
		{"US.1234", "", "business scoped user id"},
		{"IN.1648738043044942", "", "business scoped user id"},
		{"US.ENT.11815799212886844830", "", "parent id"},
		{"120363025246125486@g.us", "", "group"},
		{"120363025246125486", "", "group without its server"},
		{"1203630-16", "", "old group"},
		{"120363025246125486@newsletter", "", "channel"},
		{"15551234567@lid", "", "hidden number"},
		{"9876543210_1", "", "test id"},
		{"918x98xx21x4", "", "masked"},
		{"91XX985XX10X", "", "masked"},
		{"9191****873", "", "masked"},
		{"whatsapp:+5531987654321", "+5531987654321", "Twilio"},
		{"whatsapp:+553187654321", "+5531987654321", "Twilio, without the ninth digit"},
		{"+250 788 123 200", "+250788123200", "display number"},
		{"+1 (555) 078-3881", "+15550783881", "display number"},
		{"1 555-078-3881", "", "dashes without a plus"},
		{"15551234567@s.whatsapp.net", "+15551234567", "Whapi"},
		{"15551234567:12@s.whatsapp.net", "+15551234567", "a device"},
		{"15551234567@c.us", "+15551234567", "older libraries"},
		{"0049151234567", "", "no country code begins with 0"},
		{"123456", "", "short code"},
		{"1234567890123456", "", "longer than E.164"},
		{"١٥٥٥١٢٣٤٥٦٧", "", "other digits"},
		{"15551234567 ", "+15551234567", "space"},
	} {
		if got := PhoneFromWaID(c.in); got != c.want {
			t.Errorf("%q is %q, want %q: %s", c.in, got, c.want, c.why)
		}
	}
}
