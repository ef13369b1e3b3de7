"""Neural operators: one architecture a file, one contract, `model(u) -> u_next`, unbatched and channel-first."""

from fieldcast.surrogates.operators.classic_unet import ClassicUNet as ClassicUNet
from fieldcast.surrogates.operators.dilated_resnet import DilResNet as DilResNet
from fieldcast.surrogates.operators.ffno import FFNO as FFNO
from fieldcast.surrogates.operators.fno import FNO as FNO
from fieldcast.surrogates.operators.ifactformer import IFactFormer as IFactFormer
from fieldcast.surrogates.operators.ifno import IFNO as IFNO
from fieldcast.surrogates.operators.interpolated_unet import InterpolatedUNet as InterpolatedUNet
from fieldcast.surrogates.operators.local_fno import LocalFNO as LocalFNO
from fieldcast.surrogates.operators.oformer import OFormer as OFormer
from fieldcast.surrogates.operators.sinenet import SineNet as SineNet
from fieldcast.surrogates.operators.unet import UNet as UNet
from fieldcast.surrogates.operators.vit import ViT as ViT
