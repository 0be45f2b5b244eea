package money

import "strings"

// iso4217 is the active codes of ISO 4217 (funds and metals included), each
// three letters and a space.
const iso4217 = "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BOV BRL BSD BTN BWP BYN BZD " +
	"CAD CDF CHE CHF CHW CLF CLP CNY COP COU CRC CUC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD " +
	"GNF GTQ GYD HKD HNL HRK HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR " +
	"LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP " +
	"PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SLL SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP " +
	"TRY TTD TWD TZS UAH UGX USD USN UYI UYU UYW UZS VED VES VND VUV WST XAF XAG XAU XCD XCG XDR XOF XPD XPF XPT XSU XUA " +
	"YER ZAR ZMW ZWG ZWL "

// Currency is an ISO 4217 code in upper case; ok is false where s is none. Either
// case is accepted, as Meta does.
func Currency(s string) (code string, ok bool) {
	if len(s) != 3 {
		return "", false
	}
	code = strings.ToUpper(s)
	for i := range 3 {
		if code[i] < 'A' || code[i] > 'Z' {
			return "", false
		}
	}
	return code, strings.Contains(iso4217, code+" ")
}
