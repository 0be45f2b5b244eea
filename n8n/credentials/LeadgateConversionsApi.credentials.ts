import type {
	IAuthenticateGeneric,
	ICredentialTestRequest,
	ICredentialType,
	Icon,
	INodeProperties,
} from 'n8n-workflow';

/** The token of a leadgate_conversions block: it reports, and can ask for nothing. */
export class LeadgateConversionsApi implements ICredentialType {
	name = 'leadgateConversionsApi';

	displayName = 'Leadgate Conversions API';

	icon: Icon = { light: 'file:../icons/leadgate.svg', dark: 'file:../icons/leadgate.dark.svg' };

	documentationUrl = 'https://github.com/leadgate/leadgate/blob/main/docs/conversions.md';

	properties: INodeProperties[] = [
		{
			displayName: 'URL',
			name: 'url',
			type: 'string',
			default: '',
			required: true,
			placeholder: 'https://bots.example.com/conversions',
			description: 'The path of the leadgate_conversions block in the Caddyfile',
		},
		{
			displayName: 'Token',
			name: 'token',
			type: 'string',
			typeOptions: { password: true },
			default: '',
			required: true,
			description: 'What stands after token in the leadgate_conversions block',
		},
	];

	authenticate: IAuthenticateGeneric = {
		type: 'generic',
		properties: { headers: { Authorization: '=Bearer {{$credentials.token}}' } },
	};

	// A GET reports nothing; it is answered with whose the token is.
	test: ICredentialTestRequest = {
		request: {
			baseURL: '={{$credentials.url.trim().replace(/[\\/*]+$/, "")}}',
			url: '',
			headers: { Accept: 'application/json' },
		},
	};
}
