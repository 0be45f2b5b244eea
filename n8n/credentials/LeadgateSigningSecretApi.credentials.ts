import type { ICredentialType, Icon, INodeProperties } from 'n8n-workflow';

/** The secret of a forward's sign option, for the trigger. The trigger's own test looks at its form. */
export class LeadgateSigningSecretApi implements ICredentialType {
	name = 'leadgateSigningSecretApi';

	displayName = 'Leadgate Signing Secret API';

	icon: Icon = { light: 'file:../icons/leadgate.svg', dark: 'file:../icons/leadgate.dark.svg' };

	documentationUrl = 'https://github.com/leadgate/leadgate/blob/main/docs/n8n.md';

	properties: INodeProperties[] = [
		{
			displayName: 'Signing Secret',
			name: 'secret',
			type: 'string',
			typeOptions: { password: true },
			default: '',
			required: true,
			description:
				'What stands after sign in the forward block: whsec_ and base64, or any other text',
		},
		{
			displayName: 'Previous Signing Secret',
			name: 'previousSecret',
			type: 'string',
			typeOptions: { password: true },
			default: '',
			description: 'Taken, too, while the secret is being changed. Empty it afterwards.',
		},
	];
}
